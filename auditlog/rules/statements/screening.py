"""Who may have crossed a limit at all: one pass over the same events for many rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from psycopg2.sql import SQL

from auditlog.constants import RuleGroup
from auditlog.rules.statements.common import (
    KEYS,
    ONE,
    Bound,
    Composable,
    Statement,
    class_of,
    match,
)
from chatsec.core.errors import Json

_TOTALS: Final = SQL("""
WITH totals AS MATERIALIZED (
    SELECT {key} AS key, {columns} FROM auditlog_event WHERE {match} GROUP BY 1
)
""")
_TOTAL: Final = SQL("sum({x}) FILTER (WHERE occurred_at >= %({since})s) AS {name}")
# The smallest and the greatest differ: cheaper than to count what is different.
_VARIES: Final = SQL("""min({value}) FILTER (WHERE occurred_at >= %({since})s)
        < max({value}) FILTER (WHERE occurred_at >= %({since})s) AS {name}""")
_ABOVE: Final = SQL("""
SELECT %(rule)s AS rule, key FROM totals WHERE {total} > %(lowest)s{conditions}
""")
_NAMED: Final = SQL("SELECT %(rule)s AS rule, key FROM ({whom}) AS named")
# The limit of each moment at which it may be another one.
_ABOVE_OWN: Final = SQL("""
SELECT %(rule)s, key FROM (
    SELECT key, moment.at, {total} AS total FROM totals
    CROSS JOIN ({moments}) AS moment (at) WHERE {total} > %(lowest)s{conditions}
) AS windowed {joins}
GROUP BY key HAVING max(total) > min({limit})
""")
NOW: Final = SQL("SELECT %(until)s::timestamptz")
# One of every part of the week that the time reaches into: none is shorter than two
# hours.
MOMENTS: Final = SQL("""SELECT max(at) FROM (
            SELECT %(until)s::timestamptz AS at UNION ALL SELECT generate_series(
                greatest(%(since)s, %(until)s::timestamptz - interval '7 days'),
                %(until)s::timestamptz, interval '1 hour')
        ) AS hours GROUP BY {part}""").format(part=class_of("at"))


class Limited(Protocol):
    """A limit of each person's own."""

    @property
    def text(self) -> Composable:
        """Return the expression."""
        ...

    @property
    def joins(self) -> Composable:
        """Return what it has to join."""
        ...


class Screen(NamedTuple):
    """What somebody must have done within the time for a rule to find anything.

    It may let through too many and never too few: conditions that leave events out are
    left to the rule's own statement.
    """

    events: tuple[str, ...]
    group: RuleGroup
    # The expression that is added up.
    x: Composable
    # Binds the time, and what the limit needs.
    bound: Bound
    # No limit is below it.
    lowest: Json
    # Without one, the lowest is the limit.
    limit: Limited | None = None
    # Those at which the limit may be another one.
    moments: Composable = NOW
    # Of which there have to be two that differ, as text.
    varied: Composable = None
    # Whether the last of it has to be within the time that is looked at for findings.
    ends_now: bool = True
    # Selects the keys where something else than events tells them.
    whom: Composable = None

    @property
    def since(self) -> datetime:
        """Return from where on the rule reads."""
        since: datetime = self.bound["since"]
        return since


class Pass(NamedTuple):
    """One pass: totals of the events, and for each rule who is above his limit.

    The parts bind values under the same names: each is to be put together with its own.
    """

    totals: Statement | None
    above: tuple[Statement, ...]


def named(screens: Mapping[str, Screen]) -> Iterator[tuple[tuple[str, ...], Pass]]:
    """Yield the rules of which something else than events tells whom, and a pass."""
    told = {rule: one for rule, one in screens.items() if one.whom is not None}
    if told:
        above = [_named(rule, screen) for rule, screen in told.items()]
        yield tuple(told), Pass(None, tuple(above))


def passes(screens: Mapping[str, Screen]) -> Iterator[tuple[tuple[str, ...], Pass]]:
    """Yield the rules that look at the same events of one group, and their pass."""
    same: dict[tuple[tuple[str, ...], RuleGroup], list[str]] = defaultdict(list)
    for rule, screen in screens.items():
        same[screen.events, screen.group].append(rule)
    for rules in same.values():
        yield tuple(rules), _pass({rule: screens[rule] for rule in rules})


def _pass(screens: Mapping[str, Screen]) -> Pass:
    columns = _Columns()
    above = [_above(rule, screen, columns) for rule, screen in screens.items()]
    some = next(iter(screens.values()))
    bound: Bound = {
        "since": min(screen.since for screen in screens.values()),
        "until": some.bound["until"],
        **columns.bound,
    }
    where = match({"events": list(some.events)}, some.group, bound)
    text = _TOTALS.format(
        key=KEYS[some.group], columns=SQL(", ").join(columns.texts), match=where
    )
    return Pass(Statement(text, bound), tuple(above))


class _Columns:
    """The columns of a pass: rules that want the same share it."""

    def __init__(self) -> None:
        self.texts: list[Composable] = []
        self.bound: Bound = {}
        self._names: dict[tuple[str, datetime], Composable] = {}

    def named(
        self, text: Composable, since: datetime, **parts: Composable
    ) -> Composable:
        """Return the name of the column."""
        one = (repr((text, parts)), since)
        if one not in self._names:
            name = f"x{len(self._names)}"
            self._names[one] = SQL(name)
            self.bound[name] = since
            self.texts.append(text.format(since=SQL(name), name=SQL(name), **parts))
        return self._names[one]


def _named(rule: str, screen: Screen) -> Statement:
    text = _NAMED.format(whom=screen.whom)
    return Statement(text, {**screen.bound, "rule": rule})


def _above(rule: str, screen: Screen, columns: _Columns) -> Statement:
    total = columns.named(_TOTAL, screen.since, x=screen.x)
    conditions = []
    if screen.ends_now:
        newest = columns.named(_TOTAL, screen.bound["fire_from"], x=ONE)
        conditions.append(SQL(" AND {} > 0").format(newest))
    if screen.varied is not None:
        varies = columns.named(_VARIES, screen.since, value=screen.varied)
        conditions.append(SQL(" AND {}").format(varies))
    parts = {"total": total, "conditions": SQL("").join(conditions)}
    if screen.limit is None:
        text = _ABOVE.format(**parts)
    else:
        limit, joins = screen.limit.text, screen.limit.joins
        text = _ABOVE_OWN.format(
            moments=screen.moments, joins=joins, limit=limit, **parts
        )
    return Statement(text, {**screen.bound, "rule": rule, "lowest": screen.lowest})
