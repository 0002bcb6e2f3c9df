"""How often somebody may ask: exact sliding windows, the same for every process.

One Lua script looks, decides and writes, so that no two processes can both take the
last place. Only what was let through is counted: a refused try changes nothing. The
clock is Valkey's own, or processes with different clocks would disagree.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import uuid4

import redis
from django.conf import settings

from chatsec.core import context, crypto
from chatsec.core.context import Actor, ActorKind
from chatsec.core.errors import TooMany, Unavailable

IPV6_SUBSCRIBER: Final = 64
SOCKET_SECONDS: Final = 2.0
# A place in every window, or in none of them.
_TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local used, taken = {}, 1
for n, key in ipairs(KEYS) do
  local window, limit = tonumber(ARGV[2 * n]), tonumber(ARGV[2 * n + 1])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  used[n] = redis.call('ZCARD', key)
  if used[n] >= limit then taken = 0 end
end
local answer = {taken}
for n, key in ipairs(KEYS) do
  local window = tonumber(ARGV[2 * n])
  if taken == 1 then
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, math.ceil(window / 1000) + 1000)
    used[n] = used[n] + 1
  end
  local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  local wait = 0
  if oldest[2] then wait = oldest[2] + window - now end
  table.insert(answer, used[n])
  table.insert(answer, wait)
end
return answer
"""
MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True)
class Limit:
    """At most `quota` messages in any period of `seconds`."""

    name: str
    quota: int
    seconds: int


ANONYMOUS: Final = Limit("anonymous", 10, 60)
SIGNED_IN: Final = Limit("user", 60, 60)


@dataclass(frozen=True)
class Usage:
    """What is left of a limit, and when the next place becomes free."""

    limit: Limit
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        """Return the header fields of draft-ietf-httpapi-ratelimit-headers."""
        name, quota, seconds = self.limit.name, self.limit.quota, self.limit.seconds
        return {
            "RateLimit-Policy": f'"{name}";q={quota};w={seconds}',
            "RateLimit": f'"{name}";r={self.remaining};t={self.reset_seconds}',
        }


class RateLimited(TooMany):
    """The window is full; `usage` says until when."""

    def __init__(self, usage: Usage) -> None:
        super().__init__(
            "Too many messages. Please wait a moment.",
            retry_after_seconds=usage.reset_seconds,
        )
        self.usage = usage


def take_place(actor: Actor) -> Usage:
    """Count one message; raise RateLimited, or Unavailable without Valkey.

    A person's keys share his own window, so that many keys send no more than one. A
    program has none besides those of its keys.
    """
    if actor.id is None:
        return take(ANONYMOUS, _address())
    windows = [] if actor.kind is ActorKind.SERVICE else [(SIGNED_IN, str(actor.id))]
    if actor.key_id is not None:
        quota = actor.messages_per_minute or SIGNED_IN.quota
        windows.append((Limit("key", quota, 60), str(actor.key_id)))
    return take_all(windows or [(SIGNED_IN, str(actor.id))])


def take(limit: Limit, identity: str) -> Usage:
    """Count one message under `identity`, or raise without counting it."""
    return take_all([(limit, identity)])


def take_all(windows: Sequence[tuple[Limit, str]]) -> Usage:
    """Count one message in every window, or raise without counting it in any.

    Returns the usage of the window that is nearest to its limit.
    """
    keys = [f"chatsec:limit:{limit.name}:{identity}" for limit, identity in windows]
    arguments: list[str | int] = [uuid4().hex]
    for limit, _ in windows:
        arguments += [limit.seconds * MICROSECONDS, limit.quota]
    try:
        taken, *state = _script()(keys=keys, args=arguments)
    except redis.RedisError as error:
        raise Unavailable("Limits cannot be checked right now.") from error
    usages = [
        Usage(limit, max(0, limit.quota - used), math.ceil(wait / MICROSECONDS))
        for (limit, _), used, wait in zip(windows, state[::2], state[1::2], strict=True)
    ]
    # Of windows that are full, the one that stays so longest.
    nearest = min(usages, key=lambda one: (one.remaining, -one.reset_seconds))
    if not taken:
        raise RateLimited(nearest)
    return nearest


@lru_cache(maxsize=1)
def _script() -> redis.commands.core.Script:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
    )
    return client.register_script(_TAKE)


def _address() -> str:
    """Return who an anonymous caller is: his address, or the network of a subscriber.

    Callers without a known address share one window: nothing is let through unlimited.
    Only a keyed digest is kept, for an address is personal data.
    """
    known = context.current().ip
    if known is None:
        return "unknown"
    address = ipaddress.ip_address(known)
    if address.version == 6:
        network = ipaddress.ip_network((address, IPV6_SUBSCRIBER), strict=False)
        known = str(network)
    return crypto.blind_index("limit-address", known).hex()
