"""A real browser goes to an identity provider and comes back, under the policy."""

from urllib.parse import urlsplit

import pytest

from accounts.models import AuthSession
from accounts.services import oidc
from accounts.tests.factories import PASSWORD, make_provider, make_user
from accounts.tests.provider import running_provider

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def acme(settings, live_server):
    """Yield a provider that signs in whoever comes, and sends him back here."""
    settings.CHATSEC_PUBLIC_URL = live_server.url
    with running_provider() as provider:
        settings.CHATSEC_OUTBOUND_ALLOWED = frozenset(
            {urlsplit(provider.issuer).netloc}
        )
        oidc.forget_published()
        make_provider(provider.issuer)
        yield provider


def sign_in_by_password(page):
    page.goto("/sign-in")
    page.fill("[name=username]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def test_an_identity_is_linked_and_signs_in_from_then_on(page, acme):
    make_user("alice")
    sign_in_by_password(page)

    page.goto("/account")
    page.get_by_role("button", name="Link Acme").click()
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Link Acme").click()
    page.get_by_text("Acme is linked to your account.").wait_for()

    page.get_by_role("button", name="Sign out alice").click()
    page.get_by_role("button", name="Sign in with Acme").click()
    page.get_by_role("link", name="My security").wait_for()
    page.goto("/account")
    assert page.locator(".row__title", has_text="Acme").count() == 1
    assert AuthSession.objects.filter(amr=["fed"], revoked_at=None).count() == 1


def test_whom_nobody_linked_reads_what_to_do(page, acme):
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with Acme").click()

    page.get_by_text("No account is linked with this sign-in.").wait_for()
    page.get_by_role("link", name="Back to sign-in").click()
    page.get_by_role("button", name="Sign in with Acme").wait_for()
