"""A whole scenario as rows of the audit log, in the shapes that the API writes.

What the API decides by what happened before (is this device new, is the account locked,
is a code asked for again) is decided here from the same public rules; a test compares
both ways of playing a scenario row by row.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2s
from itertools import islice
from typing import Final

from django.db import connection, connections

from accounts.services.blocked import OF_A_NETWORK, OF_AN_ACCOUNT, OF_BOTH
from auditlog.services.turns import OwnCounts, Try
from chatsec.core.devices import name_device
from chatsec.drill.model import NOBODY, Act, Person
from chatsec.drill.shapes import BLOCKED, STEP_UP_SECONDS, Key, Shape, Shapes

# The limits of sign-in, as docs/reference/limits.md names them.
WINDOW_SECONDS: Final = 300.0
LOCK_SECONDS: Final = 900.0
ACCOUNT_FAILURES: Final = 5
ADDRESS_FAILURES: Final = 30
NETWORK_FAILURES: Final = 100
ROWS_AT_A_TIME: Final = 50_000
# Who acts or is acted upon: accounts differ from one installation to the next.
PERSON: Final = re.compile(r"<(\d+)>")


@dataclass(slots=True)
class Doors:
    """Which sign-ins are refused before a password is looked at."""

    failures: dict[str, deque[float]] = field(default_factory=dict)
    locked_until: dict[str, float] = field(default_factory=dict)

    def is_closed(self, act: Act, account: str) -> bool:
        """Whether account, address or network has no try left."""
        if self.locked_until.get(account, 0.0) > act.at:
            return True
        places = (
            (act.place.address, ADDRESS_FAILURES),
            (act.place.network, NETWORK_FAILURES),
        )
        return any(len(self._recent(name, act.at)) >= most for name, most in places)

    def fail(self, act: Act, account: str) -> bool:
        """Count a failure; return whether it locks the account."""
        for name in (account, act.place.address, act.place.network):
            self._recent(name, act.at).append(act.at)
        if len(self.failures[account]) < ACCOUNT_FAILURES:
            return False
        self.locked_until[account] = act.at + LOCK_SECONDS
        return True

    def _recent(self, name: str, now: float) -> deque[float]:
        found = self.failures.setdefault(name, deque())
        while found and found[0] <= now - WINDOW_SECONDS:
            found.popleft()
        return found


class Writer:
    """Turns acts into rows, remembering what the installation would remember."""

    def __init__(self, people: Sequence[Person], shapes: Shapes, seed: int) -> None:
        self.people = people
        self.shapes = shapes
        self.seed = seed
        self._roles = [person.role for person in people]
        self._doors = Doors()
        self._familiar: set[tuple[int, str, str]] = set()
        self._sessions: dict[tuple[int, int], str] = {}
        self._stepped: dict[tuple[int, int], float] = {}
        self._digests: dict[str, str] = {}
        self._exporting: set[int] = set()
        self._blocked = OwnCounts()
        self._stands_for = 1
        self._count = 0

    def lines(self, acts: Iterable[Act]) -> Iterator[str]:
        """Yield a line of COPY for each row, in which people are numbers."""
        for act in acts:
            key = self._key(act)
            if key is None:
                continue
            is_owner = key.variant == BLOCKED and act.to == NOBODY
            about = act._replace(to=act.person) if is_owner else act
            for shape in self.shapes.rows[key]:
                yield self._line(about, shape)

    def _key(self, act: Act) -> Key | None:
        """Return which shape the act has now; None where it leaves nothing."""
        match act.verb:
            case "sign_in":
                return self._sign_in(act)
            case "wrong_password" | "wrong_code":
                return self._failure(act)
            case "ask":
                return self._ask(act)
            case "key_ask":
                return Key("key_ask", self._roles[act.person], act.what)
            case "reset":
                return Key("reset")
            case _:
                return self._with_session(act)

    def _sign_in(self, act: Act) -> Key | None:
        self._sessions.pop(_whose(act), None)
        if self._doors.is_closed(act, f"a{act.person}"):
            return self._block(act, f"a{act.person}")
        looks = (act.person, name_device(act.place.agent), act.place.network)
        variant = "" if looks in self._familiar else "new"
        self._familiar.add(looks)
        self._sessions[_whose(act)] = f"{act.person}/{act.incident}/{act.at}"
        self._stepped.pop(_whose(act), None)
        return Key("sign_in", self.people[act.person].role, "", variant)

    def _failure(self, act: Act) -> Key | None:
        account = act.what if act.to == NOBODY else f"a{act.to}"
        if self._doors.is_closed(act, account):
            return self._block(act, account)
        locks = self._doors.fail(act, account)
        known = "" if act.to == NOBODY else "known"
        return Key(act.verb, known, "", "locks" if locks else "")

    def _block(self, act: Act, account: str) -> Key | None:
        """Return the shape of a try at a closed door, if that is written now."""
        now, network = datetime.fromtimestamp(act.at, UTC), act.place.network
        count = 1
        for pace, key in (
            (OF_BOTH, f"{account}:{network}"),
            (OF_A_NETWORK, network),
            (OF_AN_ACCOUNT, account),
        ):
            turn = self._blocked.take(pace, Try(key, b"", weight=count), now=now)
            if not turn.stands_for:
                return None
            count = turn.stands_for
        self._stands_for = count
        is_known = act.to != NOBODY or act.person != NOBODY
        return Key("wrong_password", "known" if is_known else "", "", BLOCKED)

    def _ask(self, act: Act) -> Key | None:
        if _whose(act) not in self._sessions:
            return None
        role = self._roles[act.person]
        code = Key("ask", role, act.what, "code")
        if code not in self.shapes.rows:
            return code._replace(variant="")
        if act.at - self._stepped.get(_whose(act), 0.0) < STEP_UP_SECONDS:
            return code._replace(variant="")
        self._stepped[_whose(act)] = act.at
        return code

    def _with_session(self, act: Act) -> Key | None:
        if _whose(act) not in self._sessions:
            return None
        if act.verb == "grant":
            self._roles[act.to] = act.what
        if act.verb == "withdraw":
            self._roles[act.to] = self.people[act.to].role
        if act.verb == "export":
            if act.person in self._exporting:
                return None
            self._exporting.add(act.person)
        if act.verb == "open_page":
            return Key(act.verb, self._roles[act.person], act.what)
        return Key(act.verb)

    def _line(self, act: Act, shape: Shape) -> str:
        self._count += 1
        moment = act.at + shape.after
        blanks = {
            "actor": f"<{act.person}>" if act.person >= 0 else "",
            "target": f"<{act.to}>" if act.to >= 0 else "",
            "session": self._digest("session", self._sessions.get(_whose(act), "")),
            "address": self._digest("address", act.place.address),
            "network": self._digest("network", act.place.network),
            "device": self._digest("device", name_device(act.place.agent)),
            "request": f"{self.seed}-{act.at}-{act.person}",
            "thing": _id(self._count, 0xA),
            "stands_for": self._stands_for,
        }
        return (
            f"{_id(self._count, 0x8)}\t{_iso(moment)}"
            f"\t{_iso(moment + shape.kept_seconds)}\t{shape.line % blanks}\n"
        )

    def _digest(self, what: str, text: str) -> str:
        """Return a stand-in for a keyed digest: as long, and as telling."""
        key = f"{what}/{text}"
        if key not in self._digests:
            self._digests[key] = f"\\\\x{digest(what, text).hex()}"
        return self._digests[key]


def _whose(act: Act) -> tuple[int, int]:
    return act.person, act.incident


def digest(what: str, text: str) -> bytes:
    """Return what stands for a network, browser, address or session in the rows."""
    return blake2s(f"{what}/{text}".encode(), digest_size=16).digest()


def write(
    lines: Iterable[str], columns: Sequence[str], pseudonyms: Sequence[str]
) -> int:
    """Write lines into the audit log, numbers become people; return how many."""
    names = ", ".join(("event_id", "occurred_at", "expires_at", *columns))
    rest, written = iter(lines), 0

    def pseudonym(found: re.Match[str]) -> str:
        return pseudonyms[int(found[1])]

    with connection.cursor() as cursor:
        while block := list(islice(rest, ROWS_AT_A_TIME)):
            written += len(block)
            text = PERSON.sub(pseudonym, "".join(block))
            cursor.copy_expert(
                f"COPY auditlog_event ({names}) FROM STDIN", io.StringIO(text)
            )
    with connections["owner"].cursor() as cursor:
        # What autovacuum does on a server that has had these weeks to itself.
        cursor.execute("ANALYZE auditlog_event")
    return written


def _id(number: int, kind: int) -> str:
    return f"{number:08x}-0000-7000-{kind:x}000-{number:012x}"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).isoformat()
