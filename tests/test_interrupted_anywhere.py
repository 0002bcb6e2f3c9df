"""A signal may come between any two steps of a transaction: none is half there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, connection, transaction

from auditlog import events
from auditlog.models import Alert, Event
from auditlog.services import record
from auditlog.services.refusals import on_own_connection
from chatsec.core import context
from chatsec.core.context import RequestContext
from tests.test_transactions import make_alert

pytestmark = pytest.mark.django_db(transaction=True)
Block = Callable[[str, list[str]], None]
EVENTS = 2
# Where a transaction is begun, written and ended.
PLACES = (
    "/django/db/transaction.py",
    "/django/db/backends/base/base.py",
    "/django/db/backends/postgresql/base.py",
    "/django/db/backends/utils.py",
    "/chatsec/core/postgresql/",
    "/auditlog/services/inserting.py",
    "/auditlog/services/recording.py",
)


class Interrupted(BaseException):
    """What a signal raises wherever the program happens to be."""


class Signal:
    """Comes at the given one of the moments at which Python looks for signals.

    It looks when a function begins and when a call of one written in C has returned.
    """

    def __init__(self, moment: int) -> None:
        self.left = moment

    def __call__(self, frame: Any, event: str, _: object) -> None:
        code = frame.f_code
        # What is raised as a generator expression is thrown away is seen by nobody.
        if event not in {"call", "c_return"} or code.co_name == "<genexpr>":
            return
        if self.left > 0 and any(place in code.co_filename for place in PLACES):
            self.left -= 1
            if not self.left:
                raise Interrupted


def change_and_prove(name: str, hooks: list[str]) -> None:
    with transaction.atomic():
        make_alert(name)
        record(events.DATA_ACCESS)
        with transaction.atomic():
            record(events.DATA_ACCESS)
        transaction.on_commit(lambda: hooks.append(name))


def prove_and_change(name: str, hooks: list[str]) -> None:
    with transaction.atomic():
        record(events.DATA_ACCESS)
        record(events.DATA_ACCESS)
        transaction.on_commit(lambda: hooks.append(name))
        make_alert(name)


def change_nothing(name: str, hooks: list[str]) -> None:
    with transaction.atomic():
        make_alert(name)
        record(events.DATA_ACCESS)
        transaction.on_commit(lambda: hooks.append(name))
        transaction.set_rollback(True)


def is_interrupted(block: Block, name: str, hooks: list[str], moment: int) -> bool:
    """Run the block; return whether it was long enough to be interrupted then."""
    at = Signal(moment)
    with context.bound(RequestContext(request_id=name)):
        sys.setprofile(at)
        try:
            block(name, hooks)
        except Interrupted:
            pass
        finally:
            sys.setprofile(None)
    return at.left <= 0


def go_on(name: str) -> None:
    with context.bound(RequestContext(request_id=name)):
        change_and_prove(name, [])


@pytest.mark.parametrize("block", [change_and_prove, prove_and_change, change_nothing])
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.prove)])
def test_a_signal_at_any_moment_leaves_all_or_nothing(block: Block, step: int) -> None:
    hooks: list[str] = []
    followed: set[str] = set()
    moment = 1
    while is_interrupted(block, f"at-{moment}", hooks, moment):
        # In a block that Django has not begun to leave, the request goes on inside.
        if not connection.in_atomic_block:
            go_on(f"same-{moment}")
            followed.add(f"same-{moment}")
        close_old_connections()  # the request is over
        close_old_connections()  # the next one begins
        go_on(f"next-{moment}")
        followed.add(f"next-{moment}")
        moment += step

    changed = on_own_connection(lambda: set(_changes()))
    proofs = on_own_connection(lambda: list(_requests()))
    assert moment > 100
    assert followed <= changed
    assert set(hooks) <= changed
    assert {
        name: proofs.count(name) for name in set(proofs) | changed
    } == dict.fromkeys(changed, EVENTS)


def _changes() -> Any:
    return Alert.objects.values_list("fingerprint", flat=True)


def _requests() -> Any:
    return Event.objects.values_list("request_id", flat=True)
