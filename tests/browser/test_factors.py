"""The factors of sign-in, with Chromium's own virtual authenticator."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AuthSession
from accounts.tests.factories import PASSWORD, make_user, totp_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def erin(live_server, settings):
    settings.CHATSEC_PUBLIC_URL = live_server.url
    return make_user("erin")


# As in browsers that suggest no passkeys: Chromium's virtual device takes a suggested
# one by itself, which nobody would.
NO_SUGGESTIONS = "delete PublicKeyCredential.isConditionalMediationAvailable"


@pytest.fixture
def suggesting_device(page: Page) -> None:
    """A device with a fingerprint reader, that always sees the right finger."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


@pytest.fixture
def device(page: Page, suggesting_device: None) -> None:
    """The same, whose passkeys are used by the button only."""
    page.add_init_script(NO_SUGGESTIONS)


def sign_in(page: Page) -> None:
    page.goto("/sign-in?next=/account")
    page.get_by_label("User name or e-mail").fill("erin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out erin").click()
    expect(page).to_have_url(re.compile("/sign-in"))


def give_code(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name=re.compile("Continue|Confirm")).click()


def is_at_security(page: Page) -> None:
    expect(page.get_by_role("heading", name="My security")).to_be_visible()


def set_up_app(page: Page, user) -> list[str]:
    """Set an authenticator app up; return the recovery codes that come with it."""
    page.get_by_role("link", name="Add an authenticator app").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label(re.compile("Name")).fill("my phone")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("svg.qr")).to_be_visible()
    page.get_by_label("Code from your authenticator app").fill(totp_code(user))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    codes = page.locator("ol.codes code").all_inner_texts()
    page.get_by_role("link", name="I have kept them").click()
    return codes


def set_up_passkey(page: Page, *, proof: str, field: str) -> None:
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label(field).fill(proof)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label(re.compile("Name")).fill("my laptop")
    page.get_by_role("button", name="Make a passkey").click()


@pytest.mark.usefixtures("device")
def test_an_app_and_a_passkey_sign_in(page, erin):
    sign_in(page)
    set_up_app(page, erin)
    sign_out(page)
    sign_in(page)
    give_code(page, totp_code(erin))
    is_at_security(page)
    set_up_passkey(page, proof=totp_code(erin), field="Code")
    expect(page.get_by_role("button", name="Remove my laptop")).to_be_visible()

    sign_out(page)
    sign_in(page)
    page.get_by_role("button", name="Use your passkey").click()
    is_at_security(page)

    sign_out(page)
    page.goto("/sign-in?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    is_at_security(page)
    assert AuthSession.objects.latest("created_at").amr == ["pop", "mfa"]


def test_a_recovery_code_signs_in_once_and_not_twice(page, erin):
    sign_in(page)
    codes = set_up_app(page, erin)
    assert len(set(codes)) == 10
    sign_out(page)

    sign_in(page)
    give_code(page, codes[4].lower())
    is_at_security(page)
    expect(page.get_by_text("9 recovery codes are left")).to_be_visible()
    sign_out(page)
    sign_in(page)
    give_code(page, codes[4])

    expect(page.get_by_text("Invalid verification code")).to_be_visible()


@pytest.mark.usefixtures("device")
def test_a_passkey_confirms_before_a_change(page, erin):
    sign_in(page)
    set_up_passkey(page, proof=PASSWORD, field="Password")
    page.get_by_role("link", name="I have kept them").click()
    AuthSession.objects.update(stepped_up_at=None)

    page.get_by_role("link", name="New recovery codes").click()
    page.get_by_role("button", name="Use your passkey").click()

    expect(page.get_by_role("button", name="Make ten new codes")).to_be_visible()


@pytest.mark.usefixtures("suggesting_device")
def test_a_suggested_passkey_signs_in(page, erin):
    sign_in(page)
    set_up_passkey(page, proof=PASSWORD, field="Password")
    page.get_by_role("link", name="I have kept them").click()
    page.context.clear_cookies()

    page.goto("/sign-in?next=/account")

    is_at_security(page)


def test_a_second_device_is_thrown_out(page, erin, chromium, live_server):
    other = chromium.new_context(base_url=live_server.url, user_agent="Lost Phone/1.0")
    lost = other.new_page()
    sign_in(lost)
    is_at_security(lost)
    sign_in(page)

    page.get_by_role("button", name=re.compile("Sign out Lost Phone")).click()
    expect(page.get_by_text("The device is signed out")).to_be_visible()
    lost.reload()

    expect(lost).to_have_url(re.compile("/sign-in"))
    expect(page.get_by_role("heading", name="My security")).to_be_visible()
    other.close()
