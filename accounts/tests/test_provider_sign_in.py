"""Signing in by a provider that runs on loopback: there and back."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.constants import STEP_UP_FRESH_FOR
from accounts.models import (
    AuthenticationRequest,
    AuthSession,
    ExternalIdentity,
    ProviderSession,
)
from accounts.models.lockout import AttemptBudget
from accounts.selectors import actor_for_session
from accounts.services import identity_providers, lockout, people
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.provider import (
    BEGIN,
    CALLBACK,
    CLIENT_SECRET,
    come_back,
    problems,
    sent,
    sign_in,
    who,
)
from auditlog.selectors import list_events, read_events
from chatsec.core.context import Channel

pytestmark = pytest.mark.django_db


def test_it_signs_in_whom_the_provider_vouches_for(client, acme, linked):
    answer = sign_in(client, next="/privacy")

    assert answer.status_code == 302
    assert answer["Location"] == "/privacy"
    assert who(client) == "alice"
    session = AuthSession.objects.get(user=linked)
    assert session.amr == ["fed"]
    assert session.kind == "browser"
    assert ProviderSession.objects.get().identity.user == linked
    assert ExternalIdentity.objects.get().last_used_at is not None


def test_it_asks_with_state_nonce_and_a_challenge_and_shows_no_secret(
    client, acme, linked
):
    url = sent(client)

    asked = {name: each[0] for name, each in parse_qs(urlsplit(url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 43
    assert len(asked["nonce"]) >= 43
    assert asked["redirect_uri"] == f"http://localhost:8000{CALLBACK}"
    assert asked["scope"] == "openid email"
    assert CLIENT_SECRET not in url


def test_it_asks_for_the_persons_own_factor(client, acme, provider):
    carol = make_user("carol", totp=True)
    make_identity(carol, provider)

    answer = sign_in(client, next="/privacy")

    assert answer["Location"] == "/sign-in/code?next=%2Fprivacy"
    assert who(client) is None
    answer = client.post(
        "/sign-in/code", {"code": totp_code(carol), "next": "/privacy"}
    )
    assert answer["Location"] == "/privacy"
    assert who(client) == "carol"
    session = AuthSession.objects.get(user=carol)
    assert session.amr == ["fed", "otp", "mfa"]
    assert session.origin.identity.user == carol


@pytest.mark.parametrize(
    ("mapped", "claims", "asked"),
    [
        ({"factor_amr": ["mfa"]}, {"amr": ["pwd", "mfa"]}, False),
        ({"factor_amr": ["mfa"]}, {"amr": ["pwd"]}, True),
        ({"factor_amr": ["mfa"]}, {"acr": "mfa"}, True),
        ({"factor_acr": ["gold"]}, {"acr": "gold"}, False),
        ({"factor_acr": ["gold"]}, {"acr": "silver"}, True),
        ({}, {"amr": ["mfa"], "acr": "gold"}, True),
    ],
)
def test_it_believes_a_factor_shown_there_only_as_mapped(
    client, acme, mapped, claims, asked
):
    provider = make_provider(acme.issuer, **mapped)
    carol = make_user("carol", totp=True)
    make_identity(carol, provider)
    acme.claims = claims

    answer = sign_in(client)

    assert ("/sign-in/code" in answer.headers.get("Location", "")) is asked
    if not asked:
        assert AuthSession.objects.get(user=carol).amr == ["fed", "mfa"]


@pytest.mark.parametrize("says", [True, False])
def test_a_provider_that_does_not_say_when_vouches_for_nothing_fresh(
    client, acme, says
):
    provider = make_provider(acme.issuer, factor_amr=["mfa"])
    carol = make_user("carol", totp=True)
    make_identity(carol, provider)
    acme.claims = {"amr": ["mfa"]} if says else {"amr": ["mfa"], "auth_time": None}

    sign_in(client)

    actor = actor_for_session(AuthSession.objects.get(user=carol), Channel.WEB)
    assert actor.signed_in_within(STEP_UP_FRESH_FOR, now=timezone.now()) is says


def test_the_admin_site_gets_the_persons_own_factor_all_the_same(client, acme):
    provider = make_provider(acme.issuer, factor_amr=["mfa"])
    carol = make_user("carol", totp=True, is_staff=True)
    make_identity(carol, provider)
    acme.claims = {"amr": ["mfa"]}

    answer = sign_in(client, factor="required", next="/admin/")

    assert answer["Location"] == "/sign-in/code?next=%2Fadmin%2F"


def test_it_refuses_an_answer_used_twice(client, acme, linked):
    back = come_back(sent(client))

    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 400
    assert AuthSession.objects.count() == 1


def test_it_refuses_a_code_that_was_used_with_a_fresh_state(client, acme, linked):
    first = come_back(sent(client))
    client.get(first)
    code = acme.last_code
    second = parse_qs(urlsplit(come_back(sent(client))).query)
    query = urlencode({"state": second["state"][0], "code": code, "iss": acme.issuer})

    assert client.get(f"{CALLBACK}?{query}").status_code == 401
    assert problems() == ["code"]


def test_it_refuses_a_code_of_another_browser(client, acme, linked):
    mallory = Client()
    stolen = parse_qs(urlsplit(come_back(sent(mallory))).query)["code"][0]
    own = parse_qs(urlsplit(come_back(sent(client))).query)
    query = urlencode({"state": own["state"][0], "code": stolen, "iss": acme.issuer})

    # PKCE: the code belongs to the verifier of the other request.
    assert client.get(f"{CALLBACK}?{query}").status_code == 401
    assert who(client) is None


def test_the_nonce_stops_a_code_where_the_provider_does_not_check_pkce(
    client, acme, linked
):
    acme.checks_codes = False
    sent(client)
    back = parse_qs(urlsplit(come_back(sent(client))).query)
    asked_by_victim = dict(acme.last_asked)
    come_back(sent(Client()))
    acme.codes[back["code"][0]] = {**asked_by_victim, "nonce": "of-another"}
    query = urlencode({name: each[0] for name, each in back.items()})

    assert client.get(f"{CALLBACK}?{query}").status_code == 401
    assert problems() == ["nonce"]


def test_it_refuses_another_browsers_answer(client, acme, linked):
    back = come_back(sent(Client()))

    assert client.get(back).status_code == 400
    assert who(client) is None


@pytest.mark.parametrize("iss", ["https://evil.example", None, ""])
def test_it_refuses_an_answer_in_the_name_of(client, acme, linked, iss):
    acme.answers = {"iss": iss}

    assert sign_in(client).status_code == 401
    assert acme.requests.count("/token") == 0


def test_it_takes_an_answer_without_a_name_from_who_does_not_give_one(
    client, acme, linked
):
    acme.published = {"authorization_response_iss_parameter_supported": None}
    acme.answers = {"iss": None}

    assert sign_in(client).status_code == 302


def test_it_refuses_the_answer_of_one_provider_at_the_address_of_another(
    client, acme, linked
):
    make_provider("https://id.other.example", slug="other")
    back = come_back(sent(client))

    assert client.get(back.replace("/acme/", "/other/")).status_code == 400
    assert acme.requests.count("/token") == 0


def test_an_answer_comes_in_time_or_not_at_all(client, acme, linked):
    back = come_back(sent(client))
    past = timezone.now() - timedelta(seconds=1)
    AuthenticationRequest.objects.update(expires_at=past)

    assert client.get(back).status_code == 400


@pytest.mark.parametrize(
    "query",
    ["", "code=a", "state=", "state=a&state=b&code=c", f"state={'s' * 3000}&code=c"],
)
def test_it_refuses_an_answer_that_is_none(client, provider, query):
    budgets = AttemptBudget.objects.count()

    assert client.get(f"{CALLBACK}?{query}").status_code == 400
    assert AttemptBudget.objects.count() == budgets


def test_a_cancelled_sign_in_says_so_and_costs_no_try(client, acme, linked):
    acme.answers = {"code": None, "error": "access_denied"}

    answer = sign_in(client)

    assert answer.status_code == 400
    assert b"not signed in" in answer.content
    assert not any(each.tries for each in AttemptBudget.objects.all())


def test_wrong_answers_use_up_the_addresss_tries(client, provider):
    for number in range(lockout.LIMITS[lockout.Scope.ADDRESS]):
        answer = client.get(f"{CALLBACK}?state=guess-{number}&code=c")
        assert answer.status_code == 400

    answer = client.get(f"{CALLBACK}?state=guess&code=c")

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_an_identity_that_nobody_linked_is_refused_even_with_a_known_address(
    client, acme, provider
):
    make_user("alice", email="alice@acme.example")
    acme.claims = {"email": "alice@acme.example", "email_verified": True}

    answer = sign_in(client)

    assert answer.status_code == 401
    assert b"No account is linked" in answer.content
    assert not ExternalIdentity.objects.exists()


def test_a_closed_account_is_like_an_unknown_one(client, acme, linked):
    people.close_account(linked)

    answer = sign_in(client)

    assert answer.status_code == 401
    assert b"No account is linked" in answer.content


def test_a_provider_that_is_switched_off_signs_nobody_in_and_ends_what_it_did(
    client, acme, provider, linked
):
    back = come_back(sent(client))
    other = Client()
    sign_in(other)
    provider.is_active = False
    identity_providers.save_provider(
        provider, client_secret=None, changed=["is_active"]
    )

    assert client.get(back).status_code == 404
    assert client.post(BEGIN).status_code == 404
    assert who(other) is None
    assert AuthSession.objects.get().revoked_because == "provider_switched_off"


@pytest.mark.parametrize(
    ("published", "why"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"token_endpoint": None}, "token"),
        ({"jwks_uri": "ftp://localhost/keys"}, "keys"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "script"),
    ],
)
def test_it_sends_nobody_to_a_provider_that_publishes(
    client, acme, provider, published, why
):
    acme.published = published

    answer = client.post(BEGIN)

    assert answer.status_code == 503
    assert not AuthenticationRequest.objects.exists()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"oops"),
        (200, b"not json"),
        (200, b"[]"),
        (429, b"<html>slow</html>"),
        (200, b"[" * 100_000),
        (400, b'{"error": "invalid_client"}'),
    ],
)
def test_a_broken_token_endpoint_is_the_providers_fault(
    client, acme, linked, status, body
):
    acme.token_status, acme.token_body = status, body

    assert sign_in(client).status_code == 503
    assert not any(each.tries for each in AttemptBudget.objects.all())


def test_addresses_inside_are_not_called(client, acme, provider, settings):
    settings.CHATSEC_OUTBOUND_ALLOWED = frozenset()

    assert client.post(BEGIN).status_code == 503
    assert acme.requests == []


def test_only_a_form_of_ours_begins_a_sign_in(acme, provider):
    strict = Client(enforce_csrf_checks=True)

    assert strict.get(BEGIN).status_code == 405
    assert strict.post(BEGIN).status_code == 403
    assert not AuthenticationRequest.objects.exists()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "x"])
def test_it_goes_to_no_other_site_afterwards(client, acme, linked, target):
    assert sign_in(client, next=target)["Location"] == "/"


def test_signing_in_gives_another_cookie_and_ends_who_was_there(client, acme, linked):
    bob = make_user("bob")
    sign_in_browser(client, bob)
    before = client.cookies["session"].value

    sign_in(client)

    assert who(client) == "alice"
    assert client.cookies["session"].value != before
    assert AuthSession.objects.get(user=bob).revoked_at is not None


def test_a_refusal_leaves_evidence_without_any_name(client, acme, provider):
    acme.claims = {"email": "zebra@acme.example", "email_verified": True}

    sign_in(client)

    (event,) = list_events(event_type="accounts.sign_in_failed")
    assert event.outcome == "failure"
    assert "zebra" not in str(read_events([event]))


@pytest.mark.parametrize(
    ("method", "secret"),
    [("client_secret_basic", None), ("client_secret_post", None), ("none", "")],
)
def test_it_shows_its_secret_as_the_provider_wants_it(
    client, acme, linked, method, secret
):
    acme.published = {"token_endpoint_auth_methods_supported": [method]}
    provider = linked.identities.get().provider
    identity_providers.save_provider(provider, client_secret=secret, changed=[])

    assert sign_in(client).status_code == 302
