"""A person looks after his devices, in a real browser."""

import pytest

from accounts import notices
from accounts.models import AuthSession
from accounts.services.notices import mark_seen, notify
from accounts.tests.factories import PASSWORD, make_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_devices_are_named_and_signed_out(page, alice):
    phone = make_session(alice, kind="browser")
    notify(alice, notices.FACTOR_ADDED, facts={"factor": "Passkey"})
    mark_seen(alice)
    page.goto("/sign-in")
    page.fill("[name=username]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.goto("/account")

    page.locator("details summary").first.click()
    page.locator("[name=name]").first.fill("My laptop")
    page.locator("details[open] button").click()
    assert page.locator(".row__title", has_text="My laptop").count() == 1

    # The first sign-in on this browser is news; what was seen before is not.
    assert "1 new" in page.locator("#activity-title").inner_text()
    page.get_by_role("button", name="I have seen this").click()
    assert "new" not in page.locator("#activity-title").inner_text()

    page.get_by_role("button", name="Sign out everywhere else").click()
    assert "One device is signed out" in page.content()
    assert AuthSession.objects.get(id=phone.id).revoked_because == "revoked_by_owner"

    # On a phone nothing is wider than the screen.
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390

    page.locator("header").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/account")
    assert "/sign-in" in page.url
