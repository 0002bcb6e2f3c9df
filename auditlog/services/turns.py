"""How often the same thing is written: the first ones each, then one for many.

What a caller can repeat as fast as he likes must not fill the log, and must not vanish
either. One Lua script looks, counts and decides, so that of many at once only those are
written that may be. What is left out is counted, and written as one event by whoever
comes when that is due, or else by beat.

Without Valkey each process counts for itself: nothing is let out of sight, and what
hangs on it (a refusal) does not depend on it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import Final, NamedTuple, cast

import redis
from django.conf import settings
from uuid_utils.compat import uuid7

logger = logging.getLogger(__name__)
PREFIX: Final = "chatsec:events"
DUE: Final = f"{PREFIX}:due"
# Whoever waits for it is somebody whose request is refused anyway.
SOCKET_SECONDS: Final = 0.25
# What is left out waits so long at most where no beat runs.
KEPT: Final = timedelta(days=1)
LABELS: Final = 50
REMEMBERED: Final = 4096
COLLECTED_AT_ONCE: Final = 500
_TAKE: Final = """
local seen, state, labels, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, window, every = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local first, weight, member = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - window)
local function write(count, names)
  redis.call('ZADD', seen, now, ARGV[7])
  redis.call('PEXPIRE', seen, window + 1000)
  return {count, 0, unpack(names)}
end
if redis.call('HEXISTS', state, 'left') == 0 and redis.call('ZCARD', seen) < first then
  return write(weight, {})
end
local left = redis.call('HINCRBY', state, 'left', weight)
if ARGV[8] ~= '' and redis.call('SCARD', labels) < tonumber(ARGV[10]) then
  redis.call('SADD', labels, ARGV[8])
end
local at = tonumber(redis.call('ZSCORE', due, member) or '')
if left == weight or not at then
  at = now + every
  redis.call('ZREMRANGEBYSCORE', due, '-inf', now - tonumber(ARGV[11]))
  redis.call('HSET', state, 'pending', ARGV[9])
  redis.call('ZADD', due, at, member)
  redis.call('PEXPIRE', state, ARGV[11])
end
redis.call('PEXPIRE', labels, ARGV[11])
if now >= at then
  local names = redis.call('SMEMBERS', labels)
  redis.call('DEL', state, labels)
  redis.call('ZREM', due, member)
  return write(left, names)
end
local oldest = redis.call('ZRANGE', seen, 0, 0, 'WITHSCORES')
return {0, (oldest[2] or now) + window - now}
"""
_COLLECT: Final = """
local found = redis.call('HMGET', KEYS[1], 'left', 'pending')
local names = redis.call('SMEMBERS', KEYS[2])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
if not found[1] or not found[2] then return {} end
return {found[1], found[2], unpack(names)}
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """The first so many within any window are written, then one in each `every`."""

    name: str
    first: int
    window: timedelta
    every: timedelta


class Turn(NamedTuple):
    """For how many the event stands that is to be written now; 0: for none."""

    stands_for: int
    # What those that were left out were about; none if none was left out.
    labels: tuple[str, ...] = ()
    wait_seconds: int = 0


class LeftOut(NamedTuple):
    """How many were left out of what, as the one who counted them packed it."""

    number: int
    pending: bytes
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Try:
    """One thing that may be written: whose, what about, and how many it stands for."""

    key: str
    # What beat writes from if nobody comes any more.
    pending: bytes
    label: str = ""
    weight: int = 1


def take_turn(pace: Pace, one: Try, *, now: datetime) -> Turn:
    """Say whether this one is written, and for how many; it is counted otherwise."""
    try:
        return _turn_of(pace, one, now=now)
    except redis.RedisError:
        logger.warning("events are counted by each process: Valkey is away")
        return _own.take(pace, one, now=now)


def collect_left_out(*, now: datetime) -> Iterator[LeftOut]:
    """Yield what was left out and is due; each is taken once, by one of many.

    It is taken when its turn comes: what the caller does not come to stays.
    """
    members = cast(
        "Sequence[bytes]",
        _client().zrangebyscore(
            DUE, "-inf", _milliseconds(now), start=0, num=COLLECTED_AT_ONCE
        ),
    )
    for member in members:
        one = _collected(member.decode())
        if one is not None:
            yield one


def _turn_of(pace: Pace, one: Try, *, now: datetime) -> Turn:
    member = f"{pace.name}:{one.key}"
    count, wait, *names = _take()(
        keys=[f"{PREFIX}:seen:{member}", *_keys_of(member), DUE],
        args=[
            _milliseconds(now),
            _length(pace.window),
            _length(pace.every),
            pace.first,
            one.weight,
            member,
            str(uuid7()),
            one.label,
            one.pending,
            LABELS,
            _length(KEPT),
        ],
    )
    labels = tuple(sorted(name.decode() for name in names))
    return Turn(int(count), labels, ceil(int(wait) / 1000))


def _collected(member: str) -> LeftOut | None:
    answer = _collect()(keys=[*_keys_of(member), DUE], args=[member])
    if not answer:
        return None
    count, pending, *names = answer
    labels = tuple(sorted(name.decode() for name in names))
    return LeftOut(int(count), pending, labels)


def _keys_of(member: str) -> list[str]:
    return [f"{PREFIX}:left:{member}", f"{PREFIX}:labels:{member}"]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _length(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


@dataclass(slots=True)
class _Count:
    seen: list[datetime] = field(default_factory=list)
    left: int = 0
    due: datetime | None = None
    labels: set[str] = field(default_factory=set)


class OwnCounts:
    """The same in one process's memory, for the keys that it saw last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def take(self, pace: Pace, one: Try, *, now: datetime) -> Turn:
        """Do what the script does."""
        with self._lock:
            found = self._counts.setdefault(f"{pace.name}:{one.key}", _Count())
            self._counts.move_to_end(f"{pace.name}:{one.key}")
            while len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)
            return _counted(found, pace, one, now=now)


def _counted(found: _Count, pace: Pace, one: Try, *, now: datetime) -> Turn:
    found.seen = [at for at in found.seen if at > now - pace.window]
    if not found.left and len(found.seen) < pace.first:
        found.seen.append(now)
        return Turn(one.weight)
    found.due = found.due if found.left and found.due else now + pace.every
    found.left += one.weight
    if one.label and len(found.labels) < LABELS:
        found.labels.add(one.label)
    if now < found.due:
        oldest = found.seen[0] if found.seen else now
        return Turn(0, (), ceil((oldest + pace.window - now).total_seconds()))
    turn = Turn(found.left, tuple(sorted(found.labels)))
    found.seen, found.left, found.due = [*found.seen, now], 0, None
    found.labels = set()
    return turn


_own: Final = OwnCounts()


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=None,
    )


@lru_cache(maxsize=1)
def _take() -> redis.commands.core.Script:
    return _client().register_script(_TAKE)


@lru_cache(maxsize=1)
def _collect() -> redis.commands.core.Script:
    return _client().register_script(_COLLECT)
