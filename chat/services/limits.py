"""How often somebody may ask: exact sliding windows, the same for every process.

One Lua script looks, decides and writes, so that no two processes can both take the
last place. Only what was let through is counted: a refused try changes nothing. The
clock is Valkey's own, or processes with different clocks would disagree.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import uuid4

import redis
from django.conf import settings

from chatsec.core import context, crypto
from chatsec.core.context import Actor
from chatsec.core.errors import TooMany, Unavailable

IPV6_SUBSCRIBER: Final = 64
SOCKET_SECONDS: Final = 2.0
_TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local window = tonumber(ARGV[1])
local limit = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local used = redis.call('ZCARD', KEYS[1])
local taken = 0
if used < limit then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
  used = used + 1
  taken = 1
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local wait = 0
if oldest[2] then wait = oldest[2] + window - now end
return {taken, used, wait}
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
    """Count one message; raise RateLimited, or Unavailable without Valkey."""
    if actor.id is not None:
        return take(SIGNED_IN, str(actor.id))
    return take(ANONYMOUS, _address())


def take(limit: Limit, identity: str) -> Usage:
    """Count one message under `identity`, or raise without counting it."""
    key = f"chatsec:limit:{limit.name}:{identity}"
    window = limit.seconds * MICROSECONDS
    try:
        taken, used, wait = _script()(
            keys=[key], args=[window, limit.quota, uuid4().hex]
        )
    except redis.RedisError as error:
        raise Unavailable("Limits cannot be checked right now.") from error
    usage = Usage(limit, max(0, limit.quota - used), math.ceil(wait / MICROSECONDS))
    if not taken:
        raise RateLimited(usage)
    return usage


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
