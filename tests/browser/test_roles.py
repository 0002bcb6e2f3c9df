"""An administrator who has never seen chatsec gives a role, sees why, takes it back."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.tests.factories import PASSWORD, totp_code
from auditlog.selectors import list_events, read_events

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page: Page, user) -> None:
    page.goto("/admin/")
    page.get_by_label("User name").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("textbox", name="Code").fill(totp_code(user))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Administration")).to_be_visible()


def events(kind):
    """Return what the page left behind, without what the cast was given."""
    found = read_events(list(list_events(event_type=kind)))
    return [e for e in found if e.subject_details.get("reason") != "for the test"]


def give_until_friday(page: Page, bob) -> None:
    page.get_by_role("main").get_by_role("link", name="Users").click()
    page.get_by_role("link", name="bob", exact=True).click()
    page.get_by_role("link", name="Give a role").last.click()
    page.get_by_label("Role").select_option(label="Sales Manager")
    expect(page.get_by_label("until Friday 18:00")).to_be_checked()
    page.get_by_label("Reason").fill("alice is on leave")
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_text("Sales Manager given to bob until Friday")).to_be_visible()


def see_why(page: Page, *, said: list[str]) -> None:
    page.get_by_role("link", name="Explain", exact=True).click()
    expect(page.get_by_label("Person")).to_have_value("bob")
    page.get_by_label("Permission").select_option("read_team_sales")
    page.get_by_role("button", name="Explain").click()
    for text in said:
        expect(page.locator(".why")).to_contain_text(text)


def take_back(page: Page, bob) -> None:
    page.goto(f"/admin/accounts/user/{bob.pk}/change/")
    page.get_by_role("link", name="Take back Sales Manager").click()
    page.get_by_label("Reason").fill("alice is back")
    page.get_by_role("button", name="Take the role back").click()
    expect(page.get_by_text("Sales Manager taken back from bob.")).to_be_visible()


def test_bob_gets_a_role_until_friday_and_gives_it_back(page, admin, bob):
    sign_in(page, admin)

    give_until_friday(page, bob)
    held = page.get_by_role("row", name="Sales Manager")
    expect(held).to_contain_text("alice is on leave")
    assert bob.has_perm("rbac.read_team_sales")
    (given,) = events("rbac.role_assigned")
    assert given.details["role"] == "sales_manager"
    assert given.details["valid_until"]
    assert given.subject_details["reason"] == "alice is on leave"

    because = "given by admin: alice is on leave"
    granted = "sales_manager grants read_team_sales"
    see_why(page, said=["Yes", granted, "resource.team == user.team", because])

    take_back(page, bob)
    assert page.get_by_role("row", name="Sales Manager").count() == 0
    assert not bob.has_perm("rbac.read_team_sales")
    (taken,) = events("rbac.role_revoked")
    assert taken.subject_details["reason"] == "alice is back"
    see_why(page, said=["No", "user lacks required role"])


def test_a_condition_is_tried_while_it_is_typed(page, admin, bob):
    sign_in(page, admin)
    page.get_by_role("link", name="Roles", exact=True).first.click()
    page.get_by_role("link", name="sales_rep", exact=True).click()
    page.get_by_label("As person").fill("bob")
    page.get_by_label("With attributes").fill("region=south")

    rows = page.locator("textarea[name$='-row_filter']").first
    verdict = rows.locator("xpath=following-sibling::output")
    rows.fill("resource.region == user.region")
    expect(verdict).to_contain_text("false")
    rows.fill("resource.region ==")
    expect(verdict).to_contain_text("column")
    rows.fill("resource.region != user.region")
    expect(verdict).to_contain_text("true")

    page.get_by_role("button", name="Show the effect").click()
    expect(page.get_by_text("What saving would do")).to_be_visible()
    expect(page.get_by_text("Nothing is saved yet.")).to_be_visible()
    expect(page.locator("#effect")).to_contain_text("1: bob")
    assert events("rbac.role_changed") == []

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert len(events("rbac.role_changed")) == 1


def test_many_get_a_role_after_a_preview(page, admin, bob, dan):
    sign_in(page, admin)
    page.goto("/admin/accounts/user/")
    for name in ("bob", "dan"):
        row = page.get_by_role("row", name=re.compile(rf"\b{name}\b"))
        row.get_by_role("checkbox").check()
    page.get_by_role("combobox", name="Action").select_option(
        label="Give role to selected"
    )
    page.get_by_role("button", name="Go").click()

    page.get_by_label("Role").select_option(label="Finance")
    page.get_by_label("Reason").fill("closing the books")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("1 person would get the role.")).to_be_visible()
    expect(page.get_by_text("The role is assigned already.")).to_be_visible()
    page.get_by_role("button", name="Give to 1 person").click()

    expect(page.get_by_text("Finance given to 1: bob.")).to_be_visible()
    expect(page.get_by_text("Not given to dan")).to_be_visible()


def test_the_pages_about_roles_hold_on_a_phone(page, admin, alice):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, admin)

    for path in ("matrix", "picture", "explain", "try", "give"):
        page.goto(f"/admin/rbac/{path}/")
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, path
