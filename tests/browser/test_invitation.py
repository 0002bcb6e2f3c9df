"""An administrator invites Zoe; she comes in, forgets her password, gets another."""

import pytest
from playwright.sync_api import Page, expect

from accounts.selectors import find_user_by_login
from accounts.tests.factories import PASSWORD, totp_code
from accounts.tests.links import mailed_link

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FIRST = "seven lanterns drift past noon"
SECOND = "no rain on wednesday says gus"


def path_of(link: str) -> str:
    return "/" + link.split("/", 3)[3]


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def invite(page: Page, admin) -> None:
    sign_in(page, admin.username, PASSWORD)
    page.get_by_role("textbox", name="Code").fill(totp_code(admin))
    page.get_by_role("button", name="Continue").click()
    page.goto("/admin/accounts/user/add/")
    assert page.locator('input[type="password"]').count() == 0
    page.get_by_label("Username").fill("zoe")
    page.get_by_label("E-mail").fill("zoe@example.org")
    page.get_by_label("Display name").fill("Zoe Zander")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("An invitation to choose a password")).to_be_visible()


def choose(page: Page, password: str) -> None:
    page.get_by_label("New password:").fill(password)
    page.get_by_label("New password again").fill(password)


def test_zoe_comes_in_and_forgets_and_changes_her_password(page, admin):
    invite(page, admin)
    page.context.clear_cookies()
    zoe = find_user_by_login("zoe")

    page.goto(path_of(mailed_link(zoe)))
    expect(page.get_by_label("Your name")).to_have_value("Zoe Zander")
    choose(page, "password1234")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("one of the first that anybody would try")).to_be_visible()
    choose(page, FIRST)
    page.get_by_role("button", name="Begin").click()
    sign_in(page, "zoe", FIRST)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("User name or e-mail").fill("zoe@example.org")
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_role("heading", name="Please look at your mail")).to_be_visible()
    page.goto(path_of(mailed_link(zoe)))
    choose(page, SECOND)
    page.get_by_role("button", name="Set the new password").click()
    sign_in(page, "zoe", SECOND)

    page.get_by_role("link", name="My security").click()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Current password").fill(SECOND)
    choose(page, FIRST)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    zoe.refresh_from_db()
    assert zoe.check_password(FIRST)
