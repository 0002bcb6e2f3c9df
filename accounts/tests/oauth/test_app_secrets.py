"""Apps on servers prove who they are; nothing secret is kept in clear."""

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import AuthSession
from accounts.services import applications
from accounts.tests.oauth.app import FORM, basic, is_refused, register_site
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db


def test_a_secret_may_come_in_the_header(site, browser, alice):
    code = site.get_code(browser(alice))
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": site.asked["redirect_uri"],
        "code_verifier": site.verifier,
    }
    header = basic(site.application.client_id, site.secret)

    answer = Client().post("/o/token", urlencode(form), content_type=FORM, **header)

    assert answer.status_code == 200


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

    answer = Client().post("/o/token", urlencode(form), content_type=FORM, **header)

    assert answer.status_code in (400, 401), answer.content
    assert not AuthSession.objects.filter(kind="oauth").exists()


def test_header_and_body_name_one_app(site):
    other, secret = register_site(name="Other")
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    form["client_id"] = site.application.client_id
    header = basic(other.client_id, secret)

    answer = Client().post("/o/token", urlencode(form), content_type=FORM, **header)

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
