"""Whom each rule can find at all: asked for all rules that look at the same at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from auditlog.rules import RuleSpec, Span
from auditlog.rules.statements import (
    Exempt,
    Pass,
    Screen,
    Statement,
    named,
    passes,
    screen_for,
)

# To ask for so many by name costs more than to read what the others did.
MOST: Final = 1000
logger = logging.getLogger(__name__)
# A day of events is sorted in memory; compiling what runs for milliseconds costs more.
FOR_THE_SCAN: Final = """
    SET LOCAL statement_timeout = '60s';
    SET LOCAL work_mem = '64MB';
    SET LOCAL jit = off
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One rule to run, over which time, and with what it has taken so far."""

    spec: RuleSpec
    span: Span
    exempt: Exempt
    # From where on the next scan looks: what is known later is found then.
    done_until: datetime
    took: float = 0

    @property
    def finds_nothing(self) -> bool:
        """Whether it is known already that nobody can be found."""
        return () in (self.exempt.among, self.exempt.turns)


def screened(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks, those of which it can be known with whom they can find.

    Whatever fails here leaves the rule to its own statement, over everybody.
    """
    known = {task.spec.name: task for task in tasks}
    screens = {name: _screen(task) for name, task in known.items()}
    left = {name: screen for name, screen in screens.items() if screen is not None}
    for asked in (named, passes):
        for names, one in asked(left):
            known |= _narrowed({name: known[name] for name in names}, one)
        # Where too many are named, what they did may say more.
        left = {
            name: screen
            for name, screen in left.items()
            if known[name].exempt.among is None
        }
    return list(known.values())


def _narrowed(tasks: Mapping[str, Task], one: Pass) -> dict[str, Task]:
    """Return the tasks with whom they can find, as far as the pass tells."""
    began = time.perf_counter()
    try:
        found = _run(one)
    except Exception as error:  # noqa: BLE001 - no rule must go without its turn
        logger.warning("screening %s failed: %s", [*tasks], type(error).__name__)
        return {}
    took = (time.perf_counter() - began) / len(tasks)
    narrowed = {}
    for name, task in tasks.items():
        whom = tuple(found.get(name, ()))
        own = replace(task.exempt, among=whom if len(whom) <= MOST else None)
        narrowed[name] = replace(task, exempt=own, took=task.took + took)
    return narrowed


def _screen(task: Task) -> Screen | None:
    try:
        return screen_for(task.spec, task.span, task.exempt)
    except (KeyError, TypeError):
        # A rule that is told too little fails where failures are noted.
        return None


def _run(one: Pass) -> Mapping[str, Sequence[UUID | bytes]]:
    found: dict[str, list[UUID | bytes]] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FOR_THE_SCAN)
        totals = _bound(one.totals) if one.totals else ""
        cursor.execute(totals + " UNION ALL ".join(_bound(part) for part in one.above))
        for rule, key in cursor.fetchall():
            whose = bytes(key) if isinstance(key, memoryview) else key
            found.setdefault(rule, []).append(whose)
    return found


def _bound(part: Statement) -> str:
    """Return the text with its values in it, as the driver quotes them."""
    with connection.cursor() as cursor:
        text: bytes = cursor.mogrify(part.text, part.bound)
    return text.decode()
