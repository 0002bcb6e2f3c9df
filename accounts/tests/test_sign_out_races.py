"""A sign-out that meets other requests of the same session is never undone."""

from itertools import count

import pytest
from django.test import Client

from accounts.errors import InvalidToken
from accounts.models import AuthSession, BrowserSession, Notice, RefreshToken
from accounts.services import sessions, tokens
from accounts.session_store import SessionStore
from accounts.tests.factories import make_session, make_user, sign_in_browser
from accounts.tests.race import race
from chatsec.core import context
from chatsec.core.context import RequestContext

pytestmark = pytest.mark.django_db(transaction=True)

FEW, MANY = 15, 200


def browser_with(cookies):
    client = Client(raise_request_exception=False)
    client.cookies = cookies.copy()
    return client


def writer(cookies):
    """Make a page keep a message in the session."""
    path = "/account/sessions/00000000-0000-7000-8000-000000000000/revoke"
    return browser_with(cookies).post(path).status_code


def rotator(cookies):
    """Give the session another cookie, as a step-up does."""
    store = SessionStore(cookies["session"].value)
    store.load()
    store.cycle_key()
    store.save()
    return store.session_key


def sign_out_against(user, rival):
    """Race a sign-out with three rivals; return every cookie that came of it."""
    client = sign_in_browser(Client(), user)
    cookies = client.cookies
    turns = count()

    def act():
        # Of a request of its own: threads share nothing.
        with context.bound(RequestContext()):
            if next(turns) == 1:
                return browser_with(cookies).post("/sign-out").status_code
            return rival(cookies)

    results = race(4, act)
    made = [each for each in results if isinstance(each, str)]
    return [cookies["session"].value, *made]


def nobody_is_signed_in(user, keys):
    live = AuthSession.objects.filter(user=user, revoked_at__isnull=True)
    rows = BrowserSession.objects.filter(auth_session__in=live)
    for key in keys:
        client = Client()
        client.cookies["session"] = key
        assert client.get("/account").status_code == 302
    return not live.exists() and not rows.exists()


def check_sign_outs(trials):
    alice = make_user("alice")
    for trial in range(trials):
        keys = sign_out_against(alice, (writer, rotator)[trial % 2])
        assert nobody_is_signed_in(alice, keys)


def test_sign_out_wins():
    check_sign_outs(FEW)


@pytest.mark.prove
def test_sign_out_wins_two_hundred_times():
    check_sign_outs(MANY)


def check_refreshes(trials):
    alice = make_user("alice")
    for _ in range(trials):
        session = make_session(alice)
        raw = tokens.issue(session).refresh
        turns = count()

        def act(session=session, raw=raw, turns=turns):
            if next(turns) == 1:
                return sessions.revoke_session(session, because="signed_out")
            return tokens.refresh(raw, idempotency_key="same-request")

        answers = race(4, act)

        session.refresh_from_db()
        assert session.revoked_at is not None
        assert not RefreshToken.objects.filter(
            session=session, used_at__isnull=True
        ).exists()
        for pair in [each for each in answers if isinstance(each, tokens.TokenPair)]:
            with pytest.raises(InvalidToken):
                tokens.refresh(pair.refresh)


def test_a_refresh_does_not_outlive_a_sign_out():
    check_refreshes(FEW)


@pytest.mark.prove
def test_a_refresh_does_not_outlive_two_hundred_sign_outs():
    check_refreshes(MANY)


def test_a_stolen_refresh_token_is_told_once():
    session = make_session(make_user("alice"))
    raw = tokens.issue(session).refresh
    tokens.refresh(raw)

    race(4, lambda: tokens.refresh(raw))

    told = Notice.objects.get(kind="token_reused")
    assert told.user_id == session.user_id
    assert "used twice" in told.text
