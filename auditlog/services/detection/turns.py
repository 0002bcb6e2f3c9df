"""Whose turn it is: rules that compare hours ask of a sixtieth of all people a minute.

So each person is asked of once an hour, and no minute is dearer than the others.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from auditlog.constants import RuleKind
from auditlog.rules.statements import Turn

# What these compare is counted once an hour: to ask more often finds nothing more.
BY_THE_HOUR: Final[frozenset[RuleKind]] = frozenset({"drift"})
MINUTE: Final = timedelta(minutes=1)
TURNS: Final = 60
# Whose turn it is now was asked of so long ago, if no minute was left out.
ROUND: Final = TURNS * MINUTE


def whose_turn(last: datetime | None, *, now: datetime) -> tuple[Turn, ...] | None:
    """Return whose minutes have begun since the last time; None says everybody.

    Nobody's is left out, however long no scan ran or the rule failed.
    """
    if last is None or not 0 <= _minute(now) - _minute(last) < TURNS:
        return None
    if _minute(now) == _minute(last):
        return ()
    first, end = (_minute(last) + 1) % TURNS, _minute(now) % TURNS
    if first <= end:
        return (_turn(first, end),)
    return _turn(first, TURNS - 1), _turn(0, end)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _turn(first: int, last: int) -> Turn:
    """Return the pseudonyms of some minutes; as they are random, equally many each."""
    return Turn(UUID(int=_begin(first)), UUID(int=_begin(last + 1) - 1))


def _begin(turn: int) -> int:
    return turn * 2**128 // TURNS
