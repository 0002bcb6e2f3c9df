"""Conditions written to break the reader: refused with a place, or answered; in time.

What is read is also worded as SQL and run, and must answer there what the closure does.
"""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection

from rbac.policy import Bindings, ConditionError, Kind, parse_condition
from rbac.policy.sql import SqlWriter
from rbac.tests.policy.hostile import CORPUS

SECONDS = 2
COLUMNS = {"name": Kind.TEXT, "amount": Kind.NUMBER, "active": Kind.BOOLEAN}
ROWS = [
    {"name": None, "amount": None, "active": None},
    {"name": "", "amount": 0, "active": False},
    {"name": "'; DROP TABLE x; --", "amount": 2**63 - 1, "active": True},
    {"name": "10.0.0.1", "amount": -1, "active": True},
]
NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
BAGS = [
    {},
    {"x": "10.0.0.1", "now": NOW, "ip": "10.0.0.1"},
    {"x": 10**999, "now": datetime.min.replace(tzinfo=UTC), "ip": "fe80::1%eth0"},
    {"x": "'; DROP TABLE x; --", "now": datetime.max.replace(tzinfo=UTC), "ip": ""},
    {"x": True, "now": "2026-01-01T00:00:00Z", "ip": "999.1.1.1"},
    {"x": ["a"], "now": 1e308, "ip": b"\x00"},
    {"x": "\ud800", "now": float("nan"), "ip": "0x7f.1"},
]


@contextmanager
def _deadline(text):
    """Stop a run-away. Processor time counts: a busy machine is no run-away."""

    def over(number, frame):
        raise AssertionError(f"works longer than {SECONDS} s: {text[:80]!r}")

    previous = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def _read(text):
    try:
        return parse_condition(text)
    except ConditionError as error:
        refusal = error
    assert 1 <= refusal.line <= text.count("\n") + 1, text[:80]
    assert 1 <= refusal.column <= len(text) + 1, text[:80]
    assert refusal.message
    return None


def _answers_in_sql(condition, bindings):
    writer = SqlWriter(COLUMNS)
    where = writer.where(condition.root, bindings)
    where = re.sub(r"CAST\(:(\w+) AS", r"CAST(%(\1)s AS", where.replace("%", "%%"))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {where} FROM hostile ORDER BY number", writer.params)
        return [answer for (answer,) in cursor.fetchall()]


@pytest.fixture
def rows(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE hostile"
            " (number int, name text, amount numeric, active boolean)"
        )
        cursor.executemany(
            "INSERT INTO hostile VALUES (%s, %s, %s, %s)",
            [(number, *row.values()) for number, row in enumerate(ROWS)],
        )


def test_the_corpus_is_large_and_has_both_kinds():
    read = [text for text in CORPUS if _read(text)]

    assert len(CORPUS) >= 300
    assert 60 < len(read) < len(CORPUS) - 150


def test_it_refuses_with_a_place_or_answers_whatever_is_written(rows):
    for text in CORPUS:
        with _deadline(text):
            condition = _read(text)
            for bag in BAGS if condition else ():
                bindings = Bindings(bag, bag)
                in_python = [
                    condition.evaluate(bindings._replace(resource=row)) for row in ROWS
                ]
                assert all(answer in (True, False, None) for answer in in_python)
                assert _answers_in_sql(condition, bindings) == in_python, text[:80]
                assert isinstance(condition.values(bindings), str)


def test_a_stored_one_grants_nothing_and_denies_nothing_away(rows):
    from rbac.policy import Question, Role, Snapshot, grant

    for text in CORPUS:
        if _read(text) is not None or not text.strip():
            continue
        with _deadline(text):
            lines = (
                grant("role", "read_a", condition=text),
                grant("role", "*"),
                grant("role", "read_b", effect="deny", condition=text),
            )
            entry = Snapshot.build([Role("role", grants=lines[:1])], ["read_a"])
            broken = Snapshot.build([Role("role", grants=lines)], ["read_b"])
            bindings = Bindings({}, {}, {})

            assert not entry.entry(["role"]).check(Question("read_a", bindings))
            assert not broken.entry(["role"]).check(Question("read_b", bindings))
