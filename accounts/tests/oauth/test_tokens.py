"""Codes and tokens: spent once, bound to the app, kept as digests."""

from base64 import b64encode
from datetime import timedelta

import jwt
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import access_tokens
from accounts.models import AuthorizationCode, AuthSession, Notice
from accounts.services import applications, lockout, people, sessions
from accounts.tests.factories import PASSWORD
from accounts.tests.oauth.app import App, basic, register, register_site
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"


def app_session():
    return AuthSession.objects.get(kind="oauth")


def is_refused(answer, error, status=400):
    return answer.status_code == status and answer.json()["error"] == error


# The exchange.


def test_a_code_is_exchanged_for_tokens_of_a_session(phone, browser, alice):
    answer = phone.exchange(phone.get_code(browser(alice)))

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    told = answer.json()
    assert told["token_type"] == "Bearer"
    assert told["expires_in"] == 600
    assert told["scope"] == "chat openid"
    session = app_session()
    assert session.user == alice
    assert session.application == phone.application
    assert session.scopes == ["chat", "openid"]
    assert session.idle_limit == timedelta(days=30)
    assert session.expires_at - session.created_at == timedelta(days=180)
    assert access_tokens.verify(told["access_token"]).session_id == session.id


def test_the_session_is_as_fresh_as_the_sign_in(phone, browser, alice):
    visitor = browser(alice)
    yesterday = timezone.now() - timedelta(hours=3)
    AuthSession.objects.update(authenticated_at=yesterday)

    phone.connect(visitor)

    assert app_session().authenticated_at == yesterday


def test_the_person_is_told_and_it_leaves_evidence(phone, browser, alice):
    phone.connect(browser(alice))

    assert Notice.objects.filter(user=alice, kind="app_connected").count() == 1
    assert list_events(event_type="accounts.app_connected").count() == 1


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code_verifier": "a" * 43}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:49153/signed-in"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"code": "nul\x00"}, "invalid_request"),
        ({"code": "x" * 5000}, "invalid_request"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        (
            {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"},
            "unsupported_grant_type",
        ),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_a_faulty_exchange_opens_nothing(phone, browser, alice, changed, error):
    code = phone.get_code(browser(alice))

    answer = phone.exchange(code, **changed)

    assert is_refused(answer, error), answer.content
    assert not AuthSession.objects.filter(kind="oauth").exists()


def test_the_openid_grant_type_of_the_library_is_none_of_ours(phone, browser, alice):
    code = phone.get_code(browser(alice))

    assert phone.exchange(code, grant_type="openid").status_code == 400


def test_the_challenge_as_verifier_is_a_downgrade_that_fails(phone, browser, alice):
    code = phone.get_code(browser(alice))

    answer = phone.exchange(
        code, code_verifier=phone.challenge, code_challenge_method="plain"
    )

    assert is_refused(answer, "invalid_grant")


def test_a_code_holds_for_a_minute(phone, browser, alice):
    code = phone.get_code(browser(alice))
    AuthorizationCode.objects.update(expires_at=timezone.now())

    assert is_refused(phone.exchange(code), "invalid_grant")


def test_a_code_used_twice_ends_what_it_opened(phone, browser, alice):
    code = phone.get_code(browser(alice))
    told = phone.exchange(code).json()

    again = phone.exchange(code)

    assert is_refused(again, "invalid_grant")
    assert app_session().revoked_because == "code_replayed"
    assert is_refused(phone.refresh(told["refresh_token"]), "invalid_grant")
    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 401
    assert list_events(event_type="accounts.code_replayed").count() == 1


def test_a_code_is_good_for_its_app_only(phone, browser, alice):
    other = App(*register(name="Other"))
    other.verifier = phone.verifier
    code = phone.get_code(browser(alice))

    assert is_refused(other.exchange(code), "invalid_grant")
    assert phone.exchange(code).status_code == 200


def test_a_code_ends_with_the_browser_session(phone, browser, alice):
    visitor = browser(alice)
    code = phone.get_code(visitor)
    visitor.post(reverse("sign-out"))

    assert is_refused(phone.exchange(code), "invalid_grant")


def test_a_code_of_a_closed_account_is_worth_nothing(phone, browser, alice):
    code = phone.get_code(browser(alice))
    people.close_account(alice)

    assert is_refused(phone.exchange(code), "invalid_grant")


# The app proves who it is.


def test_a_secret_may_come_in_the_header(site, browser, alice):
    code = site.get_code(browser(alice))
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": site.asked["redirect_uri"],
        "code_verifier": site.verifier,
    }
    header = basic(site.application.client_id, site.secret)

    answer = Client().post("/o/token", form_of(form), content_type=FORM, **header)

    assert answer.status_code == 200


def form_of(form):
    from django.utils.http import urlencode

    return urlencode(form)


@pytest.mark.parametrize("secret", [None, "", "cso_wrong", "x" * 300])
def test_a_confidential_app_needs_its_secret(site, browser, alice, secret):
    code = site.get_code(browser(alice))

    answer = site.exchange(code, client_secret=secret)

    assert is_refused(answer, "invalid_client", 401)
    assert not AuthSession.objects.filter(kind="oauth").exists()


def test_another_apps_secret_is_no_secret(site, browser, alice):
    _, others = register_site(name="Other")
    code = site.get_code(browser(alice))

    assert is_refused(site.exchange(code, client_secret=others), "invalid_client", 401)


def test_the_kept_digest_is_no_secret(site, browser, alice):
    digest = bytes(site.application.secret_digest).hex()

    assert is_refused(
        site.exchange(site.get_code(browser(alice)), client_secret=digest),
        "invalid_client",
        401,
    )


def test_a_public_app_cannot_prove_itself_by_a_secret(phone, browser, alice):
    code = phone.get_code(browser(alice))

    answer = phone.exchange(code, client_secret="made-up")

    assert is_refused(answer, "invalid_client", 401)


@pytest.mark.parametrize(
    "header",
    [
        basic("someone-else", "x"),
        {"HTTP_AUTHORIZATION": "Basic !!!"},
        {"HTTP_AUTHORIZATION": "Basic bm9jb2xvbg=="},
        {"HTTP_AUTHORIZATION": "Basic //8="},
    ],
)
def test_a_wrong_header_is_not_made_good_by_the_body(site, browser, alice, header):
    form = {
        "grant_type": "authorization_code",
        "code": site.get_code(browser(alice)),
        "client_id": site.application.client_id,
        "client_secret": site.secret,
        "redirect_uri": site.asked["redirect_uri"],
        "code_verifier": site.verifier,
    }

    answer = Client().post("/o/token", form_of(form), content_type=FORM, **header)

    assert answer.status_code in (400, 401), answer.content
    assert not AuthSession.objects.filter(kind="oauth").exists()


def test_header_and_body_name_one_app(site):
    other, secret = register_site(name="Other")
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    form["client_id"] = site.application.client_id
    header = basic(other.client_id, secret)

    answer = Client().post("/o/token", form_of(form), content_type=FORM, **header)

    assert is_refused(answer, "invalid_client", 401)


def test_a_new_secret_replaces_the_old_one(site, browser, alice):
    code = site.get_code(browser(alice))
    fresh = applications.make_new_secret(site.application)

    assert is_refused(site.exchange(code), "invalid_client", 401)
    assert site.exchange(code, client_secret=fresh).status_code == 200


def test_a_refusal_leaves_evidence_without_what_was_typed(phone):
    phone.exchange("unknown", client_id="typed-by-somebody")
    phone.exchange("unknown")

    kept = list_events(event_type="accounts.app_refused")
    assert kept.count() == 2
    assert "typed-by-somebody" not in everything_kept()


# Refresh.


def test_a_refresh_token_rotates(phone, browser, alice):
    first = phone.connect(browser(alice))

    second = phone.refresh(first["refresh_token"]).json()
    third = phone.refresh(second["refresh_token"]).json()

    tokens = {one["refresh_token"] for one in (first, second, third)}
    assert len(tokens) == 3
    assert third["scope"] == "chat openid"
    assert "id_token" not in third
    assert phone.call("/api/v1/catalogue", third["access_token"]).status_code == 200


def test_a_spent_refresh_token_ends_the_family(phone, browser, alice):
    first = phone.connect(browser(alice))
    second = phone.refresh(first["refresh_token"]).json()

    assert is_refused(phone.refresh(first["refresh_token"]), "invalid_grant")

    assert is_refused(phone.refresh(second["refresh_token"]), "invalid_grant")
    assert phone.call("/api/v1/catalogue", second["access_token"]).status_code == 401
    assert list_events(event_type="accounts.token_reuse").count() == 1


def test_a_lost_answer_can_be_asked_for_again(phone, browser, alice):
    first = phone.connect(browser(alice))
    form = {
        "grant_type": "refresh_token",
        "refresh_token": first["refresh_token"],
        "client_id": phone.application.client_id,
    }
    again = {"HTTP_IDEMPOTENCY_KEY": "k-1"}

    one = Client().post("/o/token", form_of(form), content_type=FORM, **again)
    two = Client().post("/o/token", form_of(form), content_type=FORM, **again)

    assert one.json() == two.json()
    assert app_session().revoked_at is None


def test_a_refresh_token_in_another_apps_hands_has_leaked(phone, browser, alice):
    other = App(*register(name="Other"))
    first = phone.connect(browser(alice))

    assert is_refused(other.refresh(first["refresh_token"]), "invalid_grant")

    assert is_refused(phone.refresh(first["refresh_token"]), "invalid_grant")
    assert app_session().revoked_because == "token_reuse"


def test_a_confidential_apps_refresh_needs_its_secret(site, browser, alice):
    first = site.connect(browser(alice))

    answer = site.refresh(first["refresh_token"], client_secret=None)

    assert is_refused(answer, "invalid_client", 401)
    assert site.refresh(first["refresh_token"]).status_code == 200


def test_the_plain_refresh_route_does_not_take_an_apps_token(
    phone, browser, api, alice
):
    first = phone.connect(browser(alice))

    plain = api().post(
        "/api/v1/auth/token/refresh", {"refresh": first["refresh_token"]}
    )

    assert plain.status_code == 401
    assert phone.refresh(first["refresh_token"]).status_code == 200


def test_the_provider_does_not_take_a_plain_refresh_token(phone, alice):
    from accounts.services import tokens
    from accounts.tests.factories import make_session

    pair = tokens.issue(make_session(alice))

    assert is_refused(phone.refresh(pair.refresh), "invalid_grant")
    assert tokens.refresh(pair.refresh)


@pytest.mark.parametrize("scope", ["chat openid email", "admin", "chat manage_users"])
def test_a_refresh_cannot_widen_the_scope(phone, browser, alice, scope):
    first = phone.connect(browser(alice))

    assert is_refused(
        phone.refresh(first["refresh_token"], scope=scope), "invalid_scope"
    )
    assert phone.refresh(first["refresh_token"]).status_code == 200


def test_a_refresh_says_that_the_scope_stays_whole(phone, browser, alice):
    first = phone.connect(browser(alice))

    told = phone.refresh(first["refresh_token"], scope="openid").json()

    assert told["scope"] == "chat openid"


@pytest.mark.parametrize(
    "end",
    [
        lambda app, person: sessions.revoke_session(app_session()),
        lambda app, person: people.close_account(person),
        lambda app, person: people.set_password(person, "another horse battery staple"),
        lambda app, person: applications.change_application(app, is_enabled=False),
        lambda app, person: applications.change_application(app, scopes=["openid"]),
        lambda app, person: applications.disconnect_everybody(app),
    ],
    ids=["revoked", "closed", "password", "app off", "app narrowed", "disconnected"],
)
def test_an_ended_session_ends_access_at_once(phone, browser, alice, end):
    told = phone.connect(browser(alice))
    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 200

    end(phone.application, alice)

    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 401
    assert phone.refresh(told["refresh_token"]).status_code in (400, 401)


@pytest.mark.parametrize("days", [30, 180])
def test_a_session_ends_by_itself(phone, browser, alice, days):
    told = phone.connect(browser(alice))
    moved = {
        30: {"last_seen_at": timezone.now() - timedelta(days=30)},
        180: {"expires_at": timezone.now()},
    }
    AuthSession.objects.filter(kind="oauth").update(**moved[days])

    assert is_refused(phone.refresh(told["refresh_token"]), "invalid_grant")


# Revocation.


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "other"])
def test_an_app_signs_itself_out(phone, browser, alice, which, hint):
    told = phone.connect(browser(alice))

    answer = phone.post("/o/revoke", token=told[which], token_type_hint=hint)

    assert answer.status_code == 200
    assert app_session().revoked_because == "revoked_by_app"
    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 401


def test_an_app_signs_nobody_else_out(phone, browser, alice):
    other = App(*register(name="Other"))
    told = phone.connect(browser(alice))

    for token in (told["access_token"], told["refresh_token"], "unknown"):
        assert other.post("/o/revoke", token=token).status_code == 200

    assert app_session().revoked_at is None


def test_a_confidential_app_signs_out_with_its_secret(site, browser, alice):
    told = site.connect(browser(alice))

    answer = site.post("/o/revoke", token=told["access_token"], client_secret="no")

    assert is_refused(answer, "invalid_client", 401)
    assert app_session().revoked_at is None


def test_a_revocation_names_a_token(phone):
    assert is_refused(phone.post("/o/revoke"), "invalid_request")


# How it is asked.


@pytest.mark.parametrize("path", ["/o/token", "/o/revoke"])
def test_only_forms_are_taken(client, path):
    assert client.get(path).status_code == 405
    assert client.post(path, {}, content_type="application/json").status_code == 400
    assert client.post(f"{path}?code=x", "a=b", content_type=FORM).status_code == 400
    assert client.post(path, "a=b&a=c", content_type=FORM).status_code == 400
    assert client.post(path, "a=%00", content_type=FORM).status_code == 400
    assert client.post(path, b"\xff=\xfe", content_type=FORM).status_code in (400, 401)
    assert client.post(path, "", content_type=FORM).status_code in (400, 401)


# What a thief of the database finds.


def everything_kept():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(t::text, ' ') FROM ("
            " SELECT c::text AS t FROM accounts_authorizationcode c"
            " UNION ALL SELECT a::text FROM accounts_oauthapplication a"
            " UNION ALL SELECT r::text FROM accounts_refreshtoken r"
            " UNION ALL SELECT s::text FROM accounts_authsession s"
            " UNION ALL SELECT e::text FROM auditlog_event e"
            ") AS everything (t)"
        )
        (kept,) = cursor.fetchone()
    return kept


def test_no_code_token_or_secret_is_kept_in_clear(site, browser, alice):
    code = site.get_code(browser(alice))
    told = site.exchange(code).json()

    kept = everything_kept()

    for secret in (code, site.secret, told["refresh_token"], told["access_token"]):
        assert secret not in kept
        assert secret.encode().hex() not in kept


def test_the_librarys_own_token_tables_stay_empty(phone, browser, alice):
    from django.apps import apps
    from django.db import IntegrityError, transaction

    phone.connect(browser(alice))

    models = [
        model
        for model in apps.get_app_config("oauth2_provider").get_models()
        if not model._meta.swapped
    ]
    assert len(models) == 5
    for model in models:
        assert not model.objects.exists()
    access = next(model for model in models if model.__name__ == "AccessToken")
    with pytest.raises(IntegrityError, match="is_not_used"), transaction.atomic():
        access.objects.create(expires=timezone.now(), token="t")


# The ID token.


def test_an_id_token_tells_the_app_who_signed_in(phone, browser, alice):
    told = phone.connect(browser(alice), nonce="n0nce")
    keys = Client().get("/.well-known/jwks.json").json()["keys"]

    claims = jwt.decode(
        told["id_token"],
        jwt.PyJWK(keys[0]).key,
        algorithms=["EdDSA"],
        audience=phone.application.client_id,
        issuer="http://localhost:8000",
    )

    assert jwt.get_unverified_header(told["id_token"])["typ"] == "JWT"
    assert claims["sub"] == str(alice.id)
    assert claims["nonce"] == "n0nce"
    assert claims["amr"] == ["pwd"]
    assert claims["exp"] - claims["iat"] == 600
    session = app_session()
    assert claims["auth_time"] == int(session.authenticated_at.timestamp())


def test_without_openid_there_is_no_id_token(phone, browser, alice):
    assert "id_token" not in phone.connect(browser(alice), scope="chat")


FEW = 5


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setitem(lockout.LIMITS, "app", FEW)


@pytest.mark.usefixtures("few")
def test_an_app_that_is_refused_all_the_time_has_to_wait(phone, site, browser, alice):
    code = phone.get_code(browser(alice))
    for _ in range(FEW):
        assert phone.refresh("made-up").status_code == 400

    refused = phone.refresh("made-up")
    right = phone.exchange(code)

    for answer in (refused, right):
        assert answer.status_code == 429
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "rate_limited"
        assert 0 < int(answer["Retry-After"]) <= 300
    # Nobody else is: another app, the same app elsewhere, and people who sign in.
    assert site.refresh("made-up").status_code == 400
    sign_in = {"username": "alice", "password": PASSWORD}
    signed_in = phone.http.post(
        "/api/v1/auth/token", sign_in, content_type="application/json"
    )
    assert signed_in.status_code == 200
    phone.http.defaults["REMOTE_ADDR"] = "198.51.100.9"
    assert phone.exchange(code).status_code == 200


@pytest.mark.usefixtures("few")
def test_made_up_apps_share_one_budget(phone):
    for number in range(FEW):
        given = {"client_id": f"made-up-{number}", "token": "x"}
        assert phone.post("/o/revoke", **given).status_code == 401

    assert phone.post("/o/revoke", client_id="another", token="x").status_code == 429


@pytest.mark.usefixtures("few")
def test_an_app_that_its_header_names_has_its_own_budget(site):
    form = form_of({"grant_type": "refresh_token", "refresh_token": "x"})

    def ask(header):
        return Client().post("/o/token", form, content_type=FORM, **header)

    for number in range(FEW):
        assert ask(basic(f"made-up-{number}", "x")).status_code == 401
    assert ask(basic("another", "x")).status_code == 429
    for _ in range(FEW):
        guess = ask(basic(site.application.client_id, "guess"))
        assert guess.status_code == 401
    right = ask(basic(site.application.client_id, site.secret))

    assert right.status_code == 429
    refused = list_events(event_type="accounts.app_refused")
    named = [event.resource_id for event in refused if event.resource_id]
    assert named == [str(site.application.id)] * FEW


@pytest.mark.parametrize("name", ["a\x00b", "%00", "\ud800", "%ff"])
def test_a_header_that_names_nothing_is_refused(name):
    form = form_of({"grant_type": "refresh_token", "refresh_token": "x"})
    given = b64encode(f"{name}:x".encode(errors="surrogatepass")).decode()

    answer = Client(raise_request_exception=False).post(
        "/o/token", form, content_type=FORM, HTTP_AUTHORIZATION=f"Basic {given}"
    )

    assert answer.status_code in {400, 401}


@pytest.mark.usefixtures("few")
def test_an_app_that_is_answered_never_waits(phone, browser, alice):
    told = phone.connect(browser(alice), scope="chat offline_access")
    for _ in range(FEW + 5):
        told = phone.refresh(told["refresh_token"]).json()

    assert told["access_token"]
