"""A provider ends the sessions that it opened, by a token that only it can make."""

import time
from uuid import uuid4

import pytest
from django.test import Client

from accounts.errors import ProviderUnavailable
from accounts.id_tokens import LOGOUT_EVENT
from accounts.models import AuthSession, SpentToken
from accounts.services import oidc, provider_logout
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_session,
    make_user,
)
from accounts.tests.provider import CLIENT_ID, SUBJECT, new_key, sign_in, who
from accounts.tests.race import of_kind, race
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db
LOGOUT = "/sign-in/with/acme/logout"


def claims(acme, **changed):
    now = int(time.time())
    whole = {
        "iss": acme.issuer,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": str(uuid4()),
        "sub": SUBJECT,
        "sid": acme.sid,
        "events": {LOGOUT_EVENT: {}},
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


def told(acme, typ="logout+jwt", **changed):
    return Client().post(
        LOGOUT, {"logout_token": acme.sign(claims(acme, **changed), typ=typ)}
    )


@pytest.mark.parametrize("named", [{}, {"sub": None}, {"sid": None}])
def test_it_ends_the_session_that_is_named(client, acme, linked, named):
    sign_in(client)
    own = make_session(linked)

    assert told(acme, **named).status_code == 200

    assert who(client) is None
    ended = AuthSession.objects.exclude(id=own.id).get()
    assert ended.revoked_because == "provider_signed_out"
    own.refresh_from_db()
    assert own.revoked_at is None, "the provider did not open this one"
    assert list_events(event_type="accounts.provider_signed_out").count() == 1


def test_another_session_of_the_provider_goes_on(client, acme, linked):
    sign_in(client)

    assert told(acme, sid="another").status_code == 200
    assert told(acme, sub="somebody-else").status_code == 200

    assert who(client) == "alice"


def test_another_provider_ends_nothing(client, acme, linked):
    sign_in(client)
    other = make_provider("https://id.other.example", slug="other")
    make_identity(make_user("bob"), other, SUBJECT)

    answer = Client().post(
        "/sign-in/with/other/logout", {"logout_token": acme.sign(claims(acme))}
    )

    assert answer.status_code in {400, 503}
    assert who(client) == "alice"


REFUSED = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "other"},
    "expired": {"exp": 1_000_000},
    "no end": {"exp": None},
    "an end in years": {"exp": 9_000_000_000},
    "no event": {"events": None},
    "another event": {"events": {"other": {}}},
    "an event that is no object": {"events": {LOGOUT_EVENT: True}},
    "a nonce, as an ID token has": {"nonce": "n"},
    "no id": {"jti": None},
    "nobody named": {"sub": None, "sid": None},
    "a subject that is a list": {"sub": [SUBJECT]},
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_a_token_with(client, acme, linked, name):
    sign_in(client)

    answer = told(acme, **REFUSED[name])

    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request"}
    assert who(client) == "alice"


def test_it_refuses_an_id_token(client, acme, linked):
    sign_in(client)
    token = acme.sign(acme.claims_of(acme.last_asked, "a"))

    assert Client().post(LOGOUT, {"logout_token": token}).status_code == 400
    assert who(client) == "alice"


def test_it_refuses_another_signature_and_none(client, acme, linked):
    sign_in(client)
    good = acme.sign(claims(acme))
    acme.key = new_key("one")
    forged = acme.sign(claims(acme))

    for token in (forged, good.rpartition(".")[0] + ".", "", "a.b.c"):
        assert Client().post(LOGOUT, {"logout_token": token}).status_code == 400
    assert who(client) == "alice"


def test_a_token_is_taken_once(acme, linked):
    token = acme.sign(claims(acme))

    answers = [Client().post(LOGOUT, {"logout_token": token}) for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 400]


@pytest.mark.django_db(transaction=True)
def test_of_parallel_deliveries_one_counts(acme, linked, provider):
    token = acme.sign(claims(acme))

    results = race(8, lambda: provider_logout.take_logout(provider, token))

    assert of_kind(results, int) == 1
    assert SpentToken.objects.count() == 1


def test_a_cookie_changes_nothing_and_reading_is_not_offered(client, acme, linked):
    sign_in(client)

    assert client.post(LOGOUT).status_code == 400
    assert client.get(LOGOUT).status_code == 405
    assert client.post("/sign-in/with/none/logout").status_code == 400
    assert who(client) == "alice"


def test_a_provider_that_is_down_is_not_asked_for_each_stranger(acme, provider):
    """Each try would hold a thread until the time limit."""
    acme.published["issuer"] = "https://elsewhere.example"
    with pytest.raises(ProviderUnavailable, match="Try again later"):
        oidc.discover(provider)

    acme.published.clear()  # it works again, and a moment later is soon enough
    with pytest.raises(ProviderUnavailable) as silent:
        oidc.discover(provider)

    assert silent.value.reason == "it did not answer a moment ago"
    oidc.forget_published()
    assert oidc.discover(provider).issuer == acme.issuer
