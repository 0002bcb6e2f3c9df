"""A person at a browser: signs in with a code, asks, and sees the table."""

import pytest
from playwright.sync_api import Page, expect

from accounts.tests.factories import PASSWORD, totp_code

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("catalogue"),
]


def sign_in(page: Page, user, *, path: str = "/sign-in") -> None:
    page.goto(path)
    page.get_by_label("User name").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def ask(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Your question").fill(text)
    page.get_by_role("button", name="Ask").click()


def test_dan_signs_in_with_a_code_asks_and_sees_the_table(page, dan):
    sign_in(page, dan)
    page.get_by_role("textbox", name="Code").fill(totp_code(dan))
    page.get_by_role("button", name="Continue").click()

    ask(page, "Show me the financial report")

    expect(page.get_by_role("table")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Revenue")).to_be_visible()


def test_alice_sees_her_team_only_and_bob_is_told_why_not(page, alice, bob):
    sign_in(page, alice)
    ask(page, "Show me team sales for Q4")
    expect(page.get_by_role("cell", name="north-1").first).to_be_visible()
    assert page.get_by_role("cell", name="south-1").count() == 0
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, bob)
    ask(page, "Show me team sales for Q4")

    expect(page.get_by_text("You don't have access to")).to_be_visible()
    expect(page.get_by_text("read_team_sales").first).to_be_visible()


def test_an_administrator_sees_the_refusal_in_the_log(page, admin, bob, api):
    client = api(bob)
    started = client.post("/api/v1/conversations", {}).json()["id"]
    client.post(
        f"/api/v1/conversations/{started}/messages",
        {"text": "Show me team sales for Q4"},
    )
    sign_in(page, admin, path="/admin/")
    page.get_by_role("textbox", name="Code").fill(totp_code(admin))
    page.get_by_role("button", name="Continue").click()

    page.goto("/admin/auditlog/event/?type=authorization_denied")

    expect(page.get_by_role("cell", name="authorization_denied").first).to_be_visible()


def test_the_pages_hold_on_a_phone(page, erin):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, erin)

    for path in ("/", "/privacy", "/account"):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, path
