"""Whether somebody has an account cannot be told: not by words, not by time."""

from __future__ import annotations

import re
import secrets
from bisect import bisect_left, bisect_right
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count
from math import ceil
from statistics import median

import pytest

from accounts.models import User
from tests.security.processes.people import WRONG
from tests.security.processes.wire import Ask, any_address, csrf_of

TOKEN = "/api/v1/auth/token"
RESET = "/api/v1/auth/password/reset"
# Of equal times an AUC has a standard error of 0.013 over 1000 samples an arm, so that
# the worst of six pairs is beyond the limit once in a thousand times. With 500 it would
# be decided by chance.
SAMPLES = 1000
HIGHEST = 0.55
# Of the five failures that lock, as many as a person can take before.
TRIES_EACH = 4
VARYING = {"date", "x-request-id"}
NONCE = re.compile(r"'nonce-[^']+'")
_numbers = count(1)

visitor_at = cache(csrf_of)


class Arm:
    """One kind of name, made beforehand; a name is used up by failures that count."""

    def __init__(self, make, tries) -> None:
        self._names = [make() for _ in range(ceil(tries / TRIES_EACH))]
        self._left = [name for name in self._names for _ in range(TRIES_EACH)]

    def name(self):
        return self._left.pop()


def arms(people, tries):
    """Return the arms; all of them try each name equally often."""

    def nobody():
        return f"nobody-{secrets.token_hex(6)}-{next(_numbers)}"

    def somebody(**change):
        user = people.make()
        User.objects.filter(id=user.id).update(**change)
        return user.username

    return {
        "nobody": Arm(nobody, tries),
        "wrong": Arm(lambda: somebody(department="Sales"), tries),
        "closed": Arm(lambda: somebody(is_active=False), tries),
        "no password": Arm(lambda: somebody(password="!unusable"), tries),
    }


def sign_in(wire, name):
    given = {"username": name, "password": WRONG}
    return wire.post(TOKEN, given, address=any_address())


def sign_in_by_page(wire, name):
    cookies, token = visitor_at(wire)
    form = {"username": name, "password": WRONG, "csrfmiddlewaretoken": token}
    return wire.send(
        Ask("POST", "/sign-in", form=form, cookies=cookies, address=any_address())
    )


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
        for arm in arms(people, len(servers.wires)).values()
        for wire in servers.wires
    ]

    assert answers[0][0] == status
    for answer in answers[1:]:
        assert answer == answers[0]


def auc(some, others):
    """Return how often a time of one kind is longer than one of the other."""
    ordered = sorted(some)
    wins = sum(bisect_left(ordered, t) + bisect_right(ordered, t) for t in others) / 2
    share = wins / (len(some) * len(others))
    return max(share, 1 - share)


def seconds_of(group, people, ask, samples):
    """Return the times of each arm, taken in turns, at each process at once."""
    each = ceil(samples / len(group.wires))
    made = [arms(people, each + 4) for _ in group.wires]
    with ThreadPoolExecutor(len(group.wires)) as pool:
        parts = pool.map(lambda w, a: _times(w, a, ask, each), group.wires, made)
        taken = {}
        for part in parts:
            for name, times in part.items():
                taken.setdefault(name, []).extend(times)
    return taken


def _times(wire, known, ask, samples):
    for arm in known.values():
        for _ in range(4):
            ask(wire, arm.name())
    taken = {name: [] for name in known}
    for _ in range(samples):
        for name in sorted(known, key=lambda _: secrets.token_bytes(4)):
            answer = ask(wire, known[name].name())
            assert answer.status < 429, answer.body
            taken[name].append(answer.seconds)
    return taken


def worst_of(taken):
    return max(
        (auc(taken[one], taken[other]), f"{one}, {other}")
        for one in taken
        for other in taken
        if one < other
    )


@pytest.mark.prove
@pytest.mark.parametrize("ask", [sign_in, sign_in_by_page, ask_reset])
def test_time_tells_nothing(servers, people, ask):
    worst, pair = worst_of(taken := seconds_of(servers, people, ask, SAMPLES))

    half = {name: f"{median(times) * 1000:.1f} ms" for name, times in taken.items()}
    print(  # noqa: T201 - a figure of the proof
        f"{ask.__name__}: AUC {worst:.3f} ({pair}) over {SAMPLES} samples an arm,"
        f" medians {half}"
    )
    assert worst <= HIGHEST


@pytest.mark.prove
def test_time_tells_where_nobody_costs_no_work(flawed, people):
    assert worst_of(seconds_of(flawed, people, sign_in, 60))[0] > 0.8
