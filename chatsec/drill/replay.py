"""A scenario played through the API: real sign-ins, questions, refusals, grants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import redis
from django.conf import settings
from rest_framework.test import APIClient

from chatsec.drill.clock import Clock
from chatsec.drill.model import Act, Place, Verb
from chatsec.drill.questions import QUESTIONS
from chatsec.drill.staff import Account

API: Final = "/api/v1"
# A little less than the 10 minutes for which an access token is good.
FRESH_SECONDS: Final = 540.0
# How long an authenticator app shows one code.
STEP: Final = 30.0
NEED_SESSION: Final = frozenset({"ask", "grant", "withdraw", "export", "open_page"})
# The routes behind the pages that are for administrators.
ROUTES: Final[Mapping[str, str]] = {
    "people": "/users",
    "audit": "/audit/events",
    "incidents": "/audit/incidents",
    "roles": "/rbac/matrix",
}
WRONG_PASSWORD: Final = "seven wrong lanterns carry nothing"  # noqa: S105 - nobody's
WRONG_CODE: Final = "000000"
REASON: Final = "For a project of this month"


class Answer(Protocol):
    """What the API answered, as the test client gives it."""

    status_code: int
    content: bytes

    def json(self) -> dict[str, Any]:
        """Return the body."""
        ...


class Unplayable(Exception):
    """The API answered what no drill expects."""


@dataclass(slots=True)
class Signed:
    """Somebody's session, as his app holds it."""

    access: str
    refresh: str
    renewed_at: float
    place: Place
    conversation: str = ""


class Player:
    """Plays acts in the order of time; the clock of the process goes along."""

    def __init__(self, accounts: Sequence[Account], clock: Clock) -> None:
        self.accounts = accounts
        self.clock = clock
        self._sessions: dict[tuple[int, int], Signed] = {}
        self._valkey = redis.Redis.from_url(settings.REDIS_URL)
        self._limits_at = 0.0
        self._code_steps: dict[int, int] = {}
        self._plays: Mapping[Verb, Callable[[Act], Answer]] = {
            "sign_in": self._sign_in,
            "wrong_password": self._wrong_password,
            "wrong_code": self._wrong_code,
            "ask": self._ask,
            "key_ask": self._key_ask,
            "grant": self._grant,
            "withdraw": self._withdraw,
            "reset": self._reset,
            "export": self._export,
            "open_page": self._open_page,
        }

    def play(self, acts: Iterable[Act]) -> int:
        """Play them; return how many there were."""
        count = 0
        for count, act in enumerate(acts, 1):  # noqa: B007 - returned
            self.play_one(act)
        return count

    def play_one(self, act: Act) -> Answer | None:
        """Play one; return what the API answered, or None from who is locked out."""
        if act.verb in NEED_SESSION and _whose(act) not in self._sessions:
            return None
        self.clock.move_to(act.at)
        self._let_limits_pass(act.at)
        return self._plays[act.verb](act)

    def _let_limits_pass(self, at: float) -> None:
        # The limits run on the clock of Valkey, which nobody can move.
        if at - self._limits_at >= 60:
            self._limits_at = at
            for key in self._valkey.scan_iter("chatsec:limit:*", count=1000):
                self._valkey.delete(key)

    def _sign_in(self, act: Act) -> Answer:
        account = self.accounts[act.person]
        body = {"username": account.user.username, "password": account.password}
        answer = _post(_client(act.place), "/auth/token", body)
        if answer.status_code == 401 and account.secret:
            asked = answer.json()["mfa_session_id"]
            code = {"mfa_session_id": asked, "code": self._code(act)}
            answer = _post(_client(act.place), "/auth/token/mfa", code)
        self._sessions.pop(_whose(act), None)
        if answer.status_code == 200:
            got = answer.json()
            self._sessions[_whose(act)] = Signed(
                got["access"], got["refresh"], act.at, act.place
            )
        return _expected(answer, 200, 429)

    def _wrong_password(self, act: Act) -> Answer:
        name = self.accounts[act.to].user.username if act.to >= 0 else act.what
        body = {"username": name, "password": WRONG_PASSWORD}
        return _expected(_post(_client(act.place), "/auth/token", body), 401, 429)

    def _wrong_code(self, act: Act) -> Answer:
        account = self.accounts[act.to]
        body = {"username": account.user.username, "password": account.password}
        answer = _post(_client(act.place), "/auth/token", body)
        if answer.status_code == 429:
            return answer
        code = {"mfa_session_id": answer.json()["mfa_session_id"], "code": WRONG_CODE}
        answer = _post(_client(act.place), "/auth/token/mfa", code)
        return _expected(answer, 401, 429)

    def _ask(self, act: Act) -> Answer:
        client, session = self._signed_client(act)
        answer = _question(client, self._conversation(client, session), act.what)
        if answer.json().get("status") == "mfa_required":
            asked = answer.json()["mfa_session_id"]
            code = {"mfa_session_id": asked, "code": self._code(act)}
            path = f"/conversations/{session.conversation}/mfa"
            answer = _expected(_post(client, path, code), 200)
        return answer

    def _key_ask(self, act: Act) -> Answer:
        client = _client(act.place)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.accounts[act.person].key}")
        started = _expected(_post(client, "/conversations", {}), 201)
        return _question(client, started.json()["id"], act.what)

    def _grant(self, act: Act) -> Answer:
        client, _ = self._signed_client(act)
        whom = self.accounts[act.to].user.username
        body = {"user": whom, "role": act.what, "reason": REASON}
        return _expected(_post(client, "/rbac/assignments", body), 201, 409)

    def _withdraw(self, act: Act) -> Answer:
        client, _ = self._signed_client(act)
        whom = {"user": self.accounts[act.to].user.username}
        found = cast(Answer, client.get(f"{API}/rbac/assignments", whom)).json()[
            "results"
        ]
        given = [one for one in found if one["role"] == act.what]
        if not given:
            raise Unplayable(f"{act}: no such assignment")
        path = f"{API}/rbac/assignments/{given[0]['id']}"
        return _expected(
            cast(Answer, client.delete(path, {"reason": REASON})), 200, 204
        )

    def _reset(self, act: Act) -> Answer:
        name = {"username": self.accounts[act.to].user.username}
        answer = _post(_client(act.place), "/auth/password/reset", name)
        return _expected(answer, 202, 429)

    def _export(self, act: Act) -> Answer:
        client, _ = self._signed_client(act)
        password = self.accounts[act.person].password
        body = {"kind": "access", "password": password}
        return _expected(_post(client, "/privacy/requests", body), 201, 409)

    def _open_page(self, act: Act) -> Answer:
        client, _ = self._signed_client(act)
        return _expected(cast(Answer, client.get(f"{API}{ROUTES[act.what]}")), 403)

    def _signed_client(self, act: Act) -> tuple[APIClient, Signed]:
        session = self._sessions[_whose(act)]
        client = _client(act.place)
        if act.at - session.renewed_at > FRESH_SECONDS:
            given = {"refresh": session.refresh}
            answer = _expected(_post(client, "/auth/token/refresh", given), 200)
            got = answer.json()
            session.access, session.refresh = got["access"], got["refresh"]
            session.renewed_at = act.at
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {session.access}")
        return client, session

    def _code(self, act: Act) -> str:
        """Return a code that was not used yet; whoever used this one waits."""
        step = int(act.at // STEP)
        if self._code_steps.get(act.person, -1) >= step:
            step = self._code_steps[act.person] + 1
            self.clock.move_to(step * STEP + 1)
        self._code_steps[act.person] = step
        return self.accounts[act.person].code()

    def _conversation(self, client: APIClient, session: Signed) -> str:
        if not session.conversation:
            started = _expected(_post(client, "/conversations", {}), 201)
            session.conversation = started.json()["id"]
        return session.conversation


def _whose(act: Act) -> tuple[int, int]:
    """Return whose session it is: a thief has another than the account's owner."""
    return act.person, act.incident


def _client(place: Place) -> APIClient:
    return APIClient(
        REMOTE_ADDR=place.address,
        HTTP_USER_AGENT=place.agent,
        SERVER_NAME="localhost",
    )


def _post(client: APIClient, path: str, body: object) -> Answer:
    return cast(Answer, client.post(f"{API}{path}", body, format="json"))


def _question(client: APIClient, conversation: str, what: str) -> Answer:
    path = f"/conversations/{conversation}/messages"
    return _expected(_post(client, path, {"text": QUESTIONS.get(what, what)}), 200)


def _expected(answer: Answer, *statuses: int) -> Answer:
    if answer.status_code not in statuses:
        raise Unplayable(f"{answer.status_code}: {answer.content[:300]!r}")
    return answer
