"""Who is acting, in which request. One context variable, bound at the edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

# Where a request keeps its id, for what is logged after its context has ended.
REQUEST_ID_KEY = "chatsec.request_id"
# How an actor proved himself who came with an API key: no person was asked.
API_KEY = "key"
AttributeValue = str | int | bool | Decimal | datetime | None


class ActorKind(StrEnum):
    """What kind of principal acts."""

    USER = "user"
    SERVICE = "service"
    ANONYMOUS = "anonymous"
    SYSTEM = "system"


class Channel(StrEnum):
    """Where a request came in; some channels never carry sensitive rows."""

    WEB = "web"
    API = "api"
    ADMIN = "admin"
    SYSTEM = "system"


class Person(Protocol):
    """What policy may know of a signed-in user; `accounts.User` satisfies it."""

    @property
    def id(self) -> UUID:
        """Return the user's id."""
        ...

    @property
    def username(self) -> str:
        """Return the name that the user signs in with."""
        ...

    @property
    def is_active(self) -> bool:
        """Whether the account may be used at all."""
        ...

    @property
    def is_service(self) -> bool:
        """Whether this is the account of a program, not of somebody."""
        ...

    def policy_attributes(self) -> Mapping[str, AttributeValue]:
        """Return the attributes that conditions may name, as `user.<name>`."""
        ...


@dataclass(frozen=True, slots=True)
class Actor:
    """The principal of a request, with how and when it proved itself."""

    kind: ActorKind
    person: Person | None = None
    session_id: UUID | None = None
    # Authentication methods in RFC 8176 terms: "pwd", "otp", "hwk", "mfa"; and "key".
    amr: tuple[str, ...] = ()
    authenticated_at: datetime | None = None
    stepped_up_at: datetime | None = None
    channel: Channel = Channel.SYSTEM
    # The only permissions that count, of those that the person has; None: all of them.
    scopes: tuple[str, ...] | None = None
    # The API key that it came with, and how many messages a minute that one may send.
    key_id: UUID | None = None
    messages_per_minute: int | None = None

    @property
    def id(self) -> UUID | None:
        """Return the user's id, or None for anonymous and system actors."""
        return self.person.id if self.person is not None else None

    @property
    def is_signed_in(self) -> bool:
        """Whether a user or service account stands behind the request."""
        return self.kind in (ActorKind.USER, ActorKind.SERVICE)

    @property
    def is_connected_app(self) -> bool:
        """Whether an app acts, in the session that its user gave it."""
        return self.scopes is not None and self.session_id is not None

    @property
    def can_step_up(self) -> bool:
        """Whether somebody is there who can be asked for a second factor.

        An app is never given a code: it would learn what only the person should have.
        """
        is_person = self.kind is ActorKind.USER and self.scopes is None
        return is_person and API_KEY not in self.amr

    def signed_in_within(self, limit: timedelta, *, now: datetime) -> bool:
        """Whether the person signed in within `limit` before `now`."""
        if self.authenticated_at is None:
            return False
        return timedelta(0) <= now - self.authenticated_at <= limit

    def stepped_up_within(self, limit: timedelta, *, now: datetime) -> bool:
        """Whether a second factor was shown again within `limit` before `now`."""
        if self.stepped_up_at is None:
            return False
        return timedelta(0) <= now - self.stepped_up_at <= limit


SYSTEM = Actor(kind=ActorKind.SYSTEM)
ANONYMOUS = Actor(kind=ActorKind.ANONYMOUS)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What evidence needs about the request at hand."""

    request_id: str = field(default_factory=lambda: str(uuid7()))
    actor: Actor = SYSTEM
    ip: str | None = None
    user_agent: str = ""
    # The marks in the browser's device cookie, if that cookie is ours.
    devices: tuple[str, ...] = ()
    # Whether the browser says that another site made it ask (Fetch Metadata).
    is_cross_site: bool = False


_current: ContextVar[RequestContext | None] = ContextVar("chatsec", default=None)


def current() -> RequestContext:
    """Return the context of this request or task; a fresh system one outside."""
    found = _current.get()
    if found is None:
        found = RequestContext()
        _current.set(found)
    return found


def current_actor() -> Actor:
    """Return who acts in this request; the system outside of one."""
    return current().actor


def set_actor(actor: Actor) -> None:
    """Name the actor once authentication has decided who it is."""
    _current.set(replace(current(), actor=actor))


def set_devices(devices: tuple[str, ...]) -> None:
    """Note which marks the browser carries from sign-ins before."""
    _current.set(replace(current(), devices=devices))


@contextmanager
def bound(context: RequestContext) -> Iterator[RequestContext]:
    """Hold `context` for the block, then restore what was there before."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
