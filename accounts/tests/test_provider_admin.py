"""Identity providers in the admin site: fresh proof, sealed secrets, a try at once."""

import pytest
from django.test import Client

from accounts.models import AuthSession, ExternalIdentity, IdentityProvider, Notice
from accounts.services import identity_providers
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_user,
    sign_in_browser,
)
from accounts.tests.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    new_key,
    sign_in,
    who,
)
from auditlog.selectors import list_events, read_events
from chatsec.core.errors import Conflict, Invalid

pytestmark = pytest.mark.django_db
PROVIDERS = "/admin/accounts/identityprovider/"
IDENTITIES = "/admin/accounts/externalidentity/"


def form(issuer, **changed):
    return {
        "name": "Acme",
        "slug": "acme",
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scopes": "openid,email",
        "allowed_domains": "acme.example",
        "factor_amr": "mfa,hwk",
        "factor_acr": "",
        "is_active": "on",
        **changed,
    }


def shown(client, path):
    return client.get(path, follow=True).content.decode()


def test_a_provider_is_added_tried_and_used(office, acme, client):
    answer = office.post(
        f"{PROVIDERS}add/", form(acme.issuer, _test="try"), follow=True
    )

    provider = IdentityProvider.objects.get()
    page = answer.content.decode()
    assert "Signs with RS256, ES256." in page
    assert "http://localhost:8000/sign-in/with/acme/callback" in page
    assert "http://localhost:8000/sign-in/with/acme/logout" in page
    assert provider.factor_amr == ["mfa", "hwk"]
    assert provider.factor_acr == []
    make_identity(make_user("zoe"), provider)
    acme.claims = {"email": "zoe@acme.example", "email_verified": True}
    assert sign_in(client).status_code == 302


def test_the_secret_is_sealed_and_never_shown_again(office, acme):
    office.post(f"{PROVIDERS}add/", form(acme.issuer))

    provider = IdentityProvider.objects.get()
    assert CLIENT_SECRET.encode() not in bytes(provider.client_secret_sealed)
    assert provider.client_secret == CLIENT_SECRET
    assert CLIENT_SECRET not in shown(office, f"{PROVIDERS}{provider.id}/change/")
    office.post(
        f"{PROVIDERS}{provider.id}/change/",
        form(acme.issuer, name="Acme Inc", client_secret=""),
    )
    provider.refresh_from_db()
    assert provider.name == "Acme Inc"
    assert provider.client_secret == CLIENT_SECRET
    other = make_provider("https://other.example", slug="other")
    other.client_secret_sealed = provider.client_secret_sealed
    with pytest.raises(Exception, match="does not open"):
        _ = other.client_secret


def test_a_change_leaves_evidence_without_the_secret(office, acme):
    office.post(f"{PROVIDERS}add/", form(acme.issuer))

    (event,) = read_events(list(list_events(event_type="accounts.provider_changed")))
    assert event.details["provider"] == "acme"
    assert CLIENT_SECRET not in str(event)


def test_it_wants_fresh_proof(admin, provider):
    stale = sign_in_browser(Client(), admin)

    for path in (f"{PROVIDERS}add/", f"{PROVIDERS}{provider.id}/change/"):
        for answer in (stale.get(path), stale.post(path, form("https://evil.example"))):
            assert answer["Location"].startswith("/account/confirm?next=")
    assert IdentityProvider.objects.count() == 1


def test_only_administrators_come_here(admin, provider, charlie):
    people = sign_in_browser(Client(), charlie)

    assert people.get(PROVIDERS).status_code == 302
    assert "/admin/login/" in people.get(PROVIDERS)["Location"]


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.acme.example",
        "ftp://id.acme.example",
        "https://id.acme.example?tenant=1",
        "https://id.acme.example#x",
        "https://user@id.acme.example",
        "javascript:alert(1)",
        "acme",
        "",
    ],
)
def test_it_refuses_an_issuer(office, issuer):
    answer = office.post(f"{PROVIDERS}add/", form(issuer))

    assert answer.status_code == 200, "the form is shown again"
    assert not IdentityProvider.objects.exists()
    provider = IdentityProvider(
        slug="a", name="A", issuer=issuer, client_id="c", scopes=["openid"]
    )
    with pytest.raises(Invalid):
        identity_providers.save_provider(provider, client_secret=None, changed=[])


def test_plain_http_is_for_loopback_outside_of_production(settings):
    assert identity_providers.issuer_problem("http://localhost:8080") == ""
    settings.CHATSEC_ENV = "production"

    assert identity_providers.issuer_problem("http://localhost:8080") != ""


def test_an_issuer_stays_while_people_are_linked_to_it(office, acme, provider):
    path = f"{PROVIDERS}{provider.id}/change/"
    make_identity(make_user("zoe"), provider)

    page = office.post(path, form("https://evil.example"), follow=True)

    provider.refresh_from_db()
    assert provider.issuer == acme.issuer
    assert "People are linked to this issuer" in page.content.decode()


def test_the_short_name_stays_because_the_provider_knows_it(office, acme, provider):
    path = f"{PROVIDERS}{provider.id}/change/"

    office.post(path, form(acme.issuer, slug="other"))

    provider.refresh_from_db()
    assert provider.slug == "acme"


def test_a_used_provider_is_not_deleted_and_an_unused_one_with_evidence(
    office, provider
):
    path = f"{PROVIDERS}{provider.id}/delete/"
    identity = make_identity(make_user("zoe"), provider)

    assert office.post(path, {"post": "yes"}).status_code == 403
    with pytest.raises(Conflict):
        identity_providers.remove_provider(provider)
    identity.delete()
    office.post(path, {"post": "yes"})

    assert not IdentityProvider.objects.exists()
    latest = list_events(event_type="accounts.provider_changed")[:1]
    assert read_events(list(latest))[0].details["columns"] == ["removed"]


@pytest.mark.parametrize(
    ("published", "words"),
    [
        ({"issuer": "https://evil.example"}, "names another issuer"),
        ({"jwks_uri": None}, "no usable jwks_uri"),
        ({"code_challenge_methods_supported": ["plain"]}, "no PKCE"),
    ],
)
def test_a_try_says_what_is_wrong(office, acme, provider, published, words):
    acme.published = published

    page = office.post(
        PROVIDERS,
        {"action": "try_connection", "_selected_action": str(provider.id)},
        follow=True,
    ).content.decode()

    assert words in page


def test_a_try_says_what_stands_in_for_what_is_missing(office, acme, provider):
    acme.published = {
        "code_challenge_methods_supported": None,
        "authorization_response_iss_parameter_supported": None,
    }
    acme.keys = [acme.key, new_key("short", bits=1024)]

    found = " ".join(each.text for each in identity_providers.try_connection(provider))

    assert "does not say whether it takes PKCE" in found
    assert "does not name itself" in found
    assert "Keys that sign: 1." in found


def test_a_try_reaches_no_address_inside(office, acme, provider, settings):
    settings.CHATSEC_OUTBOUND_ALLOWED = frozenset()

    (found,) = identity_providers.try_connection(provider)

    assert not found.is_good
    assert "not allowed" in found.text
    assert acme.requests == []


def test_an_administrator_unlinks_an_identity(office, acme, linked, client):
    sign_in(client)
    identity = ExternalIdentity.objects.get()
    assert "alice" in shown(office, IDENTITIES)

    office.post(f"{IDENTITIES}{identity.id}/delete/", {"post": "yes"})

    assert not ExternalIdentity.objects.exists()
    assert who(client) is None
    ended = AuthSession.objects.get(user=linked)
    assert ended.revoked_because == "identity_unlinked"
    assert Notice.objects.filter(user=linked, kind="identity_unlinked").exists()
    assert list_events(event_type="accounts.identity_unlinked").count() == 1


def test_nobody_links_an_identity_for_somebody_else(office):
    assert office.get(f"{IDENTITIES}add/").status_code == 403
