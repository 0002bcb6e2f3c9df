"""A browser that is signed out stays so, whatever else it was asking for meanwhile."""

from __future__ import annotations

from uuid import UUID

import pytest

from accounts.models import AuthSession, BrowserSession
from accounts.services import sessions
from tests.security.processes.people import PASSWORD
from tests.security.processes.wire import Ask, csrf_of, volley

ME = "/api/v1/me"
PAGE = "/account"
NOBODYS = UUID(int=7)
TRIALS = [
    pytest.param(4, id="few"),
    pytest.param(200, id="many", marks=pytest.mark.prove),
]


class Browser:
    """A real sign-in by the page, and the cookies that came of it."""

    def __init__(self, group, user) -> None:
        cookies, token = csrf_of(group.wires[0])
        form = {
            "username": user.username,
            "password": PASSWORD,
            "csrfmiddlewaretoken": token,
        }
        ask = Ask("POST", "/sign-in", form=form, cookies=cookies)
        answer = group.wires[0].send(ask)
        assert answer.status == 302, answer.body
        self.cookies = {**cookies, **answer.cookies}
        (self.name,) = [name for name in self.cookies if name.endswith("session")]
        (csrf,) = [name for name in self.cookies if "csrf" in name]
        self.token = self.cookies[csrf]

    def page(self, path=PAGE):
        """Ask for a page as a click does: such a request may get another cookie."""
        return Ask(
            "GET",
            path,
            cookies=self.cookies,
            headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"},
        )

    def form(self, path):
        return Ask(
            "POST",
            path,
            form={"csrfmiddlewaretoken": self.token},
            cookies=self.cookies,
        )

    def api(self):
        return Ask("GET", ME, cookies=self.cookies)

    def busy(self):
        """Return requests that read, and some that keep a message in the session."""
        writes = self.form(f"/account/sessions/{NOBODYS}/revoke")
        return [self.page(), self.api(), writes] * 5

    def keys_in(self, answers):
        """Return every cookie that the browser has, or was given meanwhile."""
        given = [answer.cookies.get(self.name) for answer in answers]
        return {key for key in [self.cookies[self.name], *given] if key}


def opens(group, browser, keys):
    """Return what any of the cookies still opens at any process."""
    asks = [
        Ask("GET", path, cookies={browser.name: key})
        for key in sorted(keys)
        for path in (ME, PAGE)
    ]
    answers = [wire.send(ask) for ask in asks for wire in group.wires]
    return [answer.status for answer in answers if answer.status not in (401, 302)]


def sign_out(browser, session):
    return browser.form("/sign-out")


def revoke_here(browser, session):
    """The person ends this very device on the page of devices."""
    return browser.form(f"/account/sessions/{session.id}/revoke")


def race(group, user, end):
    browser = Browser(group, user)
    (session,) = AuthSession.objects.filter(user=user, revoked_at=None)
    asks = browser.busy()
    asks.insert(len(asks) // 2, end(browser, session))
    return browser, volley(group.wires, asks)


def is_out(group, user, browser, answers):
    assert not [answer.status for answer in answers if answer.status >= 500]
    assert opens(group, browser, browser.keys_in(answers)) == []
    live = AuthSession.objects.filter(user=user, revoked_at=None)
    kept = BrowserSession.objects.filter(auth_session__user=user, is_spent=False)
    return not live.exists() and not [
        row for row in kept if row.auth_session.revoked_at is None
    ]


@pytest.mark.parametrize("trials", TRIALS)
@pytest.mark.parametrize("end", [sign_out, revoke_here])
def test_a_sign_out_wins_over_what_else_the_browser_asks(servers, people, end, trials):
    for _ in range(trials):
        user = people.make()

        browser, answers = race(servers, user, end)

        assert is_out(servers, user, browser, answers)


@pytest.mark.parametrize("trials", TRIALS)
def test_an_administrators_word_wins_over_what_the_browser_asks(
    servers, people, trials
):
    for _ in range(trials):
        user = people.make()
        browser = Browser(servers, user)

        sessions.sign_out_everywhere(user)
        answers = volley(servers.wires, browser.busy())

        assert {answer.status for answer in answers} <= {302, 401}
        assert is_out(servers, user, browser, answers)


def test_a_session_that_comes_back_is_seen(flawed, people):
    def comes_back():
        user = people.make()
        browser, answers = race(flawed, user, sign_out)
        return bool(opens(flawed, browser, browser.keys_in(answers)))

    assert any(comes_back() for _ in range(20))
