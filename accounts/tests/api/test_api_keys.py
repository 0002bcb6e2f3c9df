"""Keys over the API: made, listed, ended, and what they open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import api_keys as shape
from accounts.models import ApiKey, User
from accounts.services import people
from accounts.services.api_keys import revoke_key
from accounts.tests.factories import PASSWORD, access_token
from accounts.tests.keys import made_for, with_key
from auditlog.selectors import list_events, read_events

pytestmark = pytest.mark.django_db

KEYS, ME = "/api/v1/auth/api-keys", "/api/v1/me"
CHECK, CATALOGUE = "/api/v1/rbac/check", "/api/v1/catalogue"
ASKED = {"name": "report", "scopes": ["read_sales"]}


@pytest.fixture
def made(alice):
    return made_for(alice)


@pytest.fixture
def proven(api, alice):
    client = api(alice)
    answer = client.post("/api/v1/auth/step-up", {"password": PASSWORD})
    assert answer.status_code == 200, answer.content
    return client


def test_it_is_made_after_proof_and_shown_once(api, proven, alice):
    refused = api(alice).post(KEYS, ASKED)
    answer = proven.post(KEYS, ASKED)
    listed = proven.get(KEYS)

    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert answer.status_code == 201
    text = answer.json()["key"]
    assert shape.is_well_formed(text)
    (row,) = listed.json()["results"]
    assert text[12:] not in listed.content.decode()
    assert (row["name"], row["prefix"]) == ("report", f"{text[:12]}…")
    assert (row["scopes"], row["state"]) == (["read_sales"], "active")
    assert answer["Cache-Control"] == "no-store"
    assert with_key(text).get(ME).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "x", "scopes": "read_sales"},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["manage_users"]},
        {"name": "x", "scopes": [{"a": 1}]},
        {**ASKED, "days": 10**30},
        {**ASKED, "days": "soon"},
        {**ASKED, "networks": ["::/0/0"]},
        {**ASKED, "networks": [None]},
        {**ASKED, "messages_per_minute": 10**9},
    ],
)
def test_it_refuses_bad_terms_by_field(proven, body):
    answer = proven.post(KEYS, body)

    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_lists_and_revocations_are_ones_own(api, made, alice, bob, charlie):
    for other in (bob, charlie):
        assert api(other).get(KEYS).json()["results"] == []
        assert api(other).delete(f"{KEYS}/{made.key.id}").status_code == 404
    assert api().get(KEYS).status_code == 401
    assert with_key(made.text).get(ME).status_code == 200

    assert api(alice).delete(f"{KEYS}/{made.key.id}").status_code == 204
    assert with_key(made.text).get(ME).status_code == 401
    assert api(alice).delete(f"{KEYS}/{made.key.id}").status_code == 404


def test_a_list_costs_the_same_however_many_keys(api, alice):
    client = api(alice)
    made_for(alice)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(KEYS)
    for _ in range(5):
        made_for(alice)
    with CaptureQueriesContext(connection) as many:
        assert len(client.get(KEYS).json()["results"]) == 6

    assert len(many) == len(one)


def test_it_takes_one_query_to_know_whose_key_it_is(made):
    client = with_key(made.text)
    client.get(CATALOGUE)

    with CaptureQueriesContext(connection) as queries:
        client.post(CHECK, {"permission": "read_sales"})

    asked = [each["sql"] for each in queries]
    (named,) = [sql for sql in asked if "accounts_apikey" in sql]
    assert [sql for sql in asked if "rbac_policystamp" in sql] == [named]


def test_a_key_does_what_it_is_for_and_nothing_else(made):
    client = with_key(made.text)

    inside = client.post(CHECK, {"permission": "read_sales"}).json()
    outside = client.post(CHECK, {"permission": "read_sales_aggregate"}).json()
    me = client.get(ME).json()

    assert inside["outcome"] == "allow"
    assert outside["outcome"] == "deny"
    assert outside["reasons"][0]["kind"] == "outside_scope"
    assert me["permissions"] == ["read_sales"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", KEYS),
        ("post", KEYS),
        ("delete", f"{KEYS}/0199c9a0-0000-7000-8000-000000000000"),
        ("get", "/api/v1/auth/sessions"),
        ("delete", "/api/v1/auth/sessions/0199c9a0-0000-7000-8000-000000000000"),
        ("post", "/api/v1/auth/step-up"),
        ("patch", ME),
        ("get", "/api/v1/privacy/requests"),
        ("post", "/api/v1/privacy/requests"),
        ("get", "/api/v1/privacy/consents"),
        ("put", "/api/v1/privacy/consents/improve_service"),
        ("get", "/api/v1/conversations/search?q=sales"),
        ("get", "/api/v1/rbac/roles"),
        ("get", "/api/v1/rbac/matrix"),
        ("get", "/api/v1/audit/events"),
    ],
)
def test_what_is_a_persons_own_business_or_administration_is_closed(
    alice, admin, method, path
):
    for user in (alice, admin):
        client = with_key(made_for(user).text)
        answer = getattr(client, method)(path, {})

        assert answer.status_code == 403, answer.content
        assert answer.json()["code"] in ("outside_scope", "permission_denied")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda key: revoke_key(key, because="test"), "revoked"),
        (lambda key: people.close_account(key.user), "account_closed"),
        (lambda key: User.objects.update(is_active=False), "account_closed"),
        (
            lambda key: ApiKey.objects.update(
                created_at=timezone.now() - timedelta(days=91),
                expires_at=timezone.now(),
            ),
            "expired",
        ),
    ],
)
def test_what_has_ended_is_refused_at_once_with_evidence(made, spoil, reason):
    client = with_key(made.text)
    assert client.get(ME).status_code == 200

    spoil(made.key)
    answer = client.get(ME)

    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_token"
    (event,) = read_events(list_events(event_type="accounts.api_key_refused"))
    assert (event.details["reason"], event.event.outcome) == (reason, "denied")


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text[:20] + ("0" if text[20] != "0" else "1") + text[21:],
        lambda text: "csk_" + "0" * 47,
        lambda text: shape.new_key().text,
        lambda text: "csk_",
        lambda text: text.upper(),
        lambda text: text[4:],
        lambda text: f"{text} {text}",
        lambda text: f"{text},x",
        lambda text: f"csk_{text}",
    ],
)
def test_forgeries_open_nothing_and_tell_nothing(made, spoiled):
    answer = with_key(spoiled(made.text)).get(ME)
    unknown = with_key(shape.new_key().text).get(ME)

    assert answer.status_code == 401
    known, other = answer.json(), unknown.json()
    known.pop("request_id"), other.pop("request_id")
    assert known == other


def test_a_made_up_key_costs_no_query():
    client = with_key("csk_" + "a" * 47)

    with CaptureQueriesContext(connection) as queries:
        assert client.get(ME).status_code == 401

    assert not any("accounts_apikey" in each["sql"] for each in queries)


@pytest.mark.parametrize("scheme", ["Token", "Basic", "ApiKey", ""])
def test_a_key_is_a_bearer_token_only(made, scheme):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"{scheme} {made.text}".strip())

    assert client.get(ME).status_code == 401
    assert APIClient().get(f"{ME}?key={made.text}").status_code == 401
    assert APIClient().get(ME, headers={"X-API-Key": made.text}).status_code == 401


def test_a_bad_key_is_not_saved_by_a_good_cookie(browser, alice):
    client = browser(alice)
    assert client.get(ME).status_code == 200

    answer = client.get(ME, headers={"Authorization": f"Bearer {shape.new_key().text}"})

    assert answer.status_code == 401


def test_a_good_key_is_not_widened_by_a_cookie(browser, made, admin):
    client = browser(admin, stepped_up=True)
    bearer = {"Authorization": f"Bearer {made.text}"}

    me = client.get(ME, headers=bearer)
    roles = client.get("/api/v1/rbac/roles", headers=bearer)

    assert (me.json()["username"], me.json()["permissions"]) == (
        "alice",
        ["read_sales"],
    )
    assert roles.status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/account", "/account/api-keys", "/privacy", "/admin/"]
)
def test_pages_and_the_admin_site_take_no_key(made, path):
    answer = with_key(made.text).get(path)

    assert answer.status_code == 302
    assert "sign-in" in answer["Location"] or "login" in answer["Location"]


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        (["192.0.2.0/24"], "192.0.2.77", 200),
        (["192.0.2.0/24"], "192.0.3.1", 401),
        (["192.0.2.0/24"], "::ffff:192.0.2.77", 200),
        (["192.0.2.0/24"], "::ffff:192.0.3.1", 401),
        (["::ffff:192.0.2.0/120"], "192.0.2.77", 200),
        (["2001:db8::/32"], "2001:db8:1::1", 200),
        (["2001:db8::/32"], "2001:db9::1", 401),
        (["2001:db8::/32"], "192.0.2.77", 401),
        (["0.0.0.0/0"], "2001:db8::1", 401),
        (["198.51.100.1", "2001:db8::/32"], "198.51.100.1", 200),
        (["192.0.2.0/24"], "nonsense", 401),
        ([], "203.0.113.9", 200),
    ],
)
def test_it_works_from_its_networks_only(alice, networks, address, status):
    client = with_key(made_for(alice, networks=networks).text, REMOTE_ADDR=address)

    assert client.get(ME).status_code == status


def test_the_network_is_the_clients_not_what_a_header_claims(alice, settings):
    made = made_for(alice, networks=["192.0.2.0/24"])
    claimed = {"HTTP_X_FORWARDED_FOR": "192.0.2.1", "REMOTE_ADDR": "203.0.113.9"}

    assert with_key(made.text, **claimed).get(ME).status_code == 401
    settings.CHATSEC_TRUSTED_PROXIES = 1
    assert with_key(made.text, **claimed).get(ME).status_code == 200
    spoofed = {**claimed, "HTTP_X_FORWARDED_FOR": "192.0.2.1, 203.0.113.9"}
    assert with_key(made.text, **spoofed).get(ME).status_code == 401


def test_use_is_shown_to_the_owner(api, made, alice):
    with_key(made.text).get(ME)

    assert api(alice).get(KEYS).json()["results"][0]["last_used_at"]


def test_an_access_token_still_works_beside_keys(made, alice):
    assert with_key(access_token(alice)).get(KEYS).status_code == 200
