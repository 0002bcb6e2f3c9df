"""An app uses its code, and each token, once: at however many processes it tries."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuthSession, RefreshToken
from accounts.tests.factories import sign_in_browser
from accounts.tests.oauth.app import App, register, register_site
from tests.security.processes.wire import Ask, volley

ME = "/api/v1/me"
TRIALS = [
    pytest.param(2, id="few"),
    pytest.param(50, id="many", marks=pytest.mark.prove),
]


@pytest.fixture(params=[register, register_site], ids=["phone", "site"])
def app(request, town):
    return App(*request.param())


def ask_token(app, **form):
    """Return the request by which the app, on its own, asks for tokens."""
    own = {"client_id": app.application.client_id}
    if app.secret:
        own["client_secret"] = app.secret
    return Ask("POST", "/o/token", form={**own, **form})


def code_of(app, people):
    browser = sign_in_browser(Client(), people.make())
    return app.get_code(browser)


def exchange(app, code):
    return ask_token(
        app,
        grant_type="authorization_code",
        code=code,
        redirect_uri=app.asked["redirect_uri"],
        code_verifier=app.verifier,
    )


def refresh(app, token):
    return ask_token(app, grant_type="refresh_token", refresh_token=token)


def exchange_at_once(group, app, people):
    ask = exchange(app, code_of(app, people))
    return volley(group.wires, [ask] * 16)


def refresh_at_once(group, app, people):
    told = group.wires[0].send(exchange(app, code_of(app, people))).json()
    ask = refresh(app, told["refresh_token"])
    return told, volley(group.wires, [ask] * 32)


def won(answers):
    return [answer.json() for answer in answers if answer.status == 200]


def session_of(app):
    return AuthSession.objects.filter(application=app.application).latest("created_at")


def is_over(group, app, told, because):
    """Whether nothing opens any more that came of it, in any process."""
    session = session_of(app)
    assert session.revoked_because == because
    assert not RefreshToken.objects.filter(session=session, used_at=None).exists()
    answers = group.everywhere(ME, token=told["access_token"])
    assert [answer.status for answer in answers] == [401] * 3
    again = [wire.send(refresh(app, told["refresh_token"])) for wire in group.wires]
    return [answer.status for answer in again] == [400] * 3


@pytest.mark.parametrize("trials", TRIALS)
def test_of_16_exchanges_at_three_processes_one_wins(servers, people, app, trials):
    for _ in range(trials):
        answers = exchange_at_once(servers, app, people)

        (winner,) = won(answers)
        assert [answer.status for answer in answers].count(400) == 15
        assert is_over(servers, app, winner, "code_replayed")


@pytest.mark.parametrize("trials", TRIALS)
def test_of_32_refreshes_of_an_app_one_wins(servers, people, app, trials):
    for _ in range(trials):
        first, answers = refresh_at_once(servers, app, people)

        (winner,) = won(answers)
        assert [answer.status for answer in answers].count(400) == 31
        assert is_over(servers, app, winner, "token_reuse")
        told = servers.everywhere(ME, token=first["access_token"])
        assert [answer.status for answer in told] == [401] * 3


def test_a_second_exchange_is_seen_where_rows_are_not_locked(flawed, people, town):
    phone = App(*register())
    assert any(len(won(exchange_at_once(flawed, phone, people))) > 1 for _ in range(20))


@pytest.mark.prove
def test_a_second_refresh_is_seen_where_rows_are_not_locked(flawed, people, town):
    phone = App(*register())
    assert any(
        len(won(refresh_at_once(flawed, phone, people)[1])) > 1 for _ in range(20)
    )
