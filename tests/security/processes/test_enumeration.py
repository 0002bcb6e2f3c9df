"""Whether somebody has an account cannot be told: not by words, not by time."""

from __future__ import annotations

import re
import secrets
from itertools import count

import pytest

from accounts.models import User
from tests.security.processes.people import WRONG
from tests.security.processes.wire import any_address

TOKEN = "/api/v1/auth/token"
RESET = "/api/v1/auth/password/reset"
SAMPLES = 500
HIGHEST = 0.55
# Of the five failures that lock, as many as a person can take before.
TRIES_EACH = 4
VARYING = {"date", "x-request-id"}
NONCE = re.compile(r"'nonce-[^']+'")
_numbers = count(1)


class Arm:
    """One kind of name; people are used up, since their failures are counted."""

    def __init__(self, people, **change) -> None:
        self.people, self.change = people, change
        self._left, self._name = 0, ""

    def name(self) -> str:
        if self._left == 0:
            user = self.people.make()
            User.objects.filter(id=user.id).update(**self.change)
            self._name, self._left = user.username, TRIES_EACH
        self._left -= 1
        return self._name


class Nobody(Arm):
    def name(self) -> str:
        return f"nobody-{secrets.token_hex(6)}-{next(_numbers)}"


def arms(people):
    return {
        "nobody": Nobody(people),
        "wrong": Arm(people, department="Sales"),
        "closed": Arm(people, is_active=False),
        "no password": Arm(people, password="!unusable"),
    }


def sign_in(wire, name):
    given = {"username": name, "password": WRONG}
    return wire.post(TOKEN, given, address=any_address())


def ask_reset(wire, name):
    return wire.post(RESET, {"username": name}, address=any_address())


def said(answer):
    """Return all that an answer tells, but the request's own number."""
    body = dict(answer.json())
    body.pop("request_id", None)
    headers = {
        # The directives of a policy come in an order of each process' own.
        name: sorted(NONCE.sub("", value).split("; "))
        for name, value in answer.headers.items()
        if name not in VARYING
    }
    return answer.status, headers, body, len(answer.body)


@pytest.mark.parametrize(("ask", "status"), [(sign_in, 401), (ask_reset, 202)])
def test_every_name_gets_the_same_answer(servers, people, ask, status):
    answers = [
        said(ask(wire, arm.name()))
        for arm in arms(people).values()
        for wire in servers.wires
    ]

    assert answers[0][0] == status
    for answer in answers[1:]:
        assert answer == answers[0]


def auc(lower, higher):
    """Return how often a sample of one kind takes longer than one of the other."""
    wins = sum((h > low) + 0.5 * (h == low) for h in higher for low in lower)
    share = wins / (len(lower) * len(higher))
    return max(share, 1 - share)


def seconds_of(group, people, ask, samples):
    """Return the times of each arm, taken in turns at one process."""
    known, taken = arms(people), {}
    for _ in range(10):
        ask(group.wires[0], known["nobody"].name())
    for _ in range(samples):
        for name in sorted(known, key=lambda _: secrets.token_bytes(4)):
            who = known[name].name()
            taken.setdefault(name, []).append(ask(group.wires[0], who).seconds)
    return taken


def worst_of(taken):
    return max(
        auc(taken[one], taken[other]) for one in taken for other in taken if one < other
    )


@pytest.mark.prove
@pytest.mark.parametrize("ask", [sign_in, ask_reset])
def test_time_tells_nothing(servers, people, ask):
    worst = worst_of(seconds_of(servers, people, ask, SAMPLES))

    print(f"{ask.__name__}: AUC {worst:.3f} over {SAMPLES} samples an arm")  # noqa: T201 - a figure of the proof
    assert worst <= HIGHEST


@pytest.mark.prove
def test_time_tells_where_nobody_costs_no_work(flawed, people):
    assert worst_of(seconds_of(flawed, people, sign_in, 40)) > 0.8
