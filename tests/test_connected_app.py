"""A phone app, from the consent page to its last refused request."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuthSession
from accounts.tests.factories import PASSWORD, totp_code
from accounts.tests.oauth.app import App, register
from chatsec.core.api import ANY_CALLER, PUBLIC

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]

RECORDS = "Show me all employee records"


@pytest.fixture
def phone(db):
    return App(*register())


def caller(tokens):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}")
    return client


def ask(client, text):
    started = client.post("/api/v1/conversations", {})
    assert started.status_code == 201, started.content
    path = f"/api/v1/conversations/{started.json()['id']}/messages"
    answer = client.post(path, {"text": text})
    assert answer.status_code == 200, answer.content
    return path, answer.json()


def sign_in(app: App, person) -> Client:
    """Follow the app's link as its user: sign in, give the code, come back."""
    browser = Client()
    form = browser.get(app.ask(browser)["Location"])
    given = {
        "username": person.username,
        "password": PASSWORD,
        "next": form.context["next"],
    }
    answer = browser.post("/sign-in", given)
    if answer["Location"].startswith("/sign-in/code"):
        given = {"code": totp_code(person), "next": given["next"]}
        answer = browser.post(answer["Location"], given)
    assert "/o/authorize" in answer["Location"]
    assert "Connect “Pocket”?" in browser.get(answer["Location"]).content.decode()
    return browser


def long_ago():
    moved = timezone.now() - timedelta(minutes=6)
    AuthSession.objects.filter(kind="oauth").update(authenticated_at=moved)


def test_it_asks_refreshes_and_is_thrown_out(phone, alice):
    browser = sign_in(phone, alice)
    tokens = phone.connect(browser)

    _, answer = ask(caller(tokens), "Show me team sales for Q4")
    assert answer["status"] == "answered"
    place = answer["columns"].index("team")
    assert {row[place] for row in answer["rows"]} == {"north-1"}

    fresh = phone.refresh(tokens["refresh_token"]).json()
    assert ask(caller(fresh), "Show me team sales for Q4")[1]["status"] == "answered"

    assert "Disconnect" in browser.get("/account").content.decode()
    session = AuthSession.objects.get(kind="oauth")
    browser.post(f"/account/sessions/{session.id}/revoke")

    assert caller(fresh).get("/api/v1/catalogue").status_code == 401
    assert phone.refresh(fresh["refresh_token"]).status_code == 400
    assert "Disconnect" not in browser.get("/account").content.decode()


def test_what_is_sensitive_is_told_just_after_the_sign_in_only(phone, carol):
    tokens = phone.connect(sign_in(phone, carol))
    client = caller(tokens)

    path, answer = ask(client, RECORDS)
    assert answer["status"] == "answered"
    assert answer["rows"]

    long_ago()
    _, later = ask(client, RECORDS)
    assert later["status"] == "denied"
    assert later["code"] == "fresh_sign_in_required"
    assert not later.get("rows")
    read = client.get(path).json()["results"]
    assert all(not message.get("rows") for message in read)


def test_an_app_is_never_asked_for_a_code(phone, carol, browser):
    visitor = browser(carol)
    AuthSession.objects.update(amr=["pwd"])  # signed in without the factor
    client = caller(phone.connect(visitor))

    _, answer = ask(client, RECORDS)

    assert answer["status"] == "denied"
    assert answer["code"] == "fresh_sign_in_required"
    assert "mfa_session_id" not in answer


def test_an_app_sees_no_more_than_its_person(phone, bob, browser):
    client = caller(phone.connect(browser(bob)))

    _, answer = ask(client, "Show me team sales for Q4")

    assert answer["status"] == "denied"
    assert answer["required"] == "read_team_sales"


def test_losing_a_role_changes_the_next_answer(phone, alice, browser):
    from rbac.models import Assignment

    client = caller(phone.connect(browser(alice)))
    assert ask(client, "Show me team sales for Q4")[1]["status"] == "answered"

    Assignment.objects.filter(user=alice).delete()

    assert ask(client, "Show me team sales for Q4")[1]["status"] == "denied"


def test_without_the_chat_scope_there_is_no_chat(phone, alice, browser):
    client = caller(phone.connect(browser(alice), scope="openid profile"))

    for path in ("/api/v1/conversations", "/api/v1/catalogue", "/api/v1/me"):
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert answer.json()["code"] == "outside_scope"


def test_the_profile_needs_both_of_its_scopes(phone, alice, browser):
    scope = "chat profile email"
    client = caller(phone.connect(browser(alice), scope=scope))

    assert client.get("/api/v1/me").json()["username"] == "alice"


def routes():
    """Return every method of every route of the API, with a made-up id in its path."""
    from rbac.api.permissions import required_permission

    for pattern in api_patterns(get_resolver().url_patterns, ""):
        path, view = pattern
        for method in view.http_method_names:
            if method in ("options", "head") or not hasattr(view, method):
                continue
            yield method, path, required_permission(view, method.upper())


def api_patterns(patterns, prefix):
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from api_patterns(pattern.url_patterns, route)
            continue
        view = getattr(pattern.callback, "cls", None)
        if view is not None and hasattr(view, "required_permission"):
            path = re.sub(r"<uuid:\w+>", str(uuid4()), route)
            yield "/" + re.sub(r"<\w+:\w+>", "1", path), view


def refused(client, method, path):
    """Ask as if for the first time: who is refused this often is answered 429."""
    cache.clear()
    return getattr(client, method)(path, {})


def test_an_administrators_app_is_no_administrator(phone, admin, browser):
    """No route but those open to any caller, and no permission but the scope's."""
    client = caller(phone.connect(browser(admin)))

    open_to = set()
    assert len(list(routes())) > 60
    for method, path, needed in routes():
        if needed in (PUBLIC, ANY_CALLER):
            open_to.add(path)
            continue
        answer = refused(client, method, path)
        assert answer.status_code == 403, (method, path, answer.content)
    assert "/api/v1/conversations" in open_to


def test_an_app_that_may_only_know_who_reaches_nothing_else(phone, alice, browser):
    client = caller(phone.connect(browser(alice), scope="openid profile email"))

    own = {"/o/userinfo", "/api/v1/me"}
    for method, path, needed in routes():
        if needed == PUBLIC or path in own:
            continue
        assert refused(client, method, path).status_code == 403, (method, path)


def test_answers_about_people_need_a_fresh_sign_in_even_without_a_code(
    phone, carol, browser
):
    from chat.models import QueryDefinition

    QueryDefinition.objects.filter(key="employee_records").update(requires_mfa=False)
    client = caller(phone.connect(browser(carol)))
    assert ask(client, RECORDS)[1]["status"] == "answered"

    long_ago()

    _, later = ask(client, RECORDS)
    assert later["status"] == "denied"
    assert later["code"] == "fresh_sign_in_required"
