"""Actors and registers for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from chatsec.core import personal_data
from chatsec.core.context import Actor, ActorKind, Channel, Person
from chatsec.core.personal_data import Declaration
from privacy.models import SubjectRequest
from privacy.services import exports, requests


def actor_of(person: Person, *, signed_in: timedelta = timedelta(seconds=1)) -> Actor:
    """Return the person, signed in that long ago."""
    return Actor(
        kind=ActorKind.USER,
        person=person,
        amr=("pwd",),
        authenticated_at=timezone.now() - signed_in,
        channel=Channel.API,
    )


def open_export(person: Person, *, kind: str = "access") -> SubjectRequest:
    """Return an export request that no worker has touched yet."""
    return requests.open_request(actor_of(person), kind)


def finished_export(person: Person, *, kind: str = "access") -> SubjectRequest:
    """Return an export that is ready."""
    request = open_export(person, kind=kind)
    assert exports.fulfil_request(request.id)
    request.refresh_from_db()
    return request


@contextmanager
def declared(
    model: str, rows: Callable[[UUID], Iterator[Any]], **more: Any
) -> Iterator[Declaration]:
    """Put one more model on the data map for the block."""
    declaration = Declaration(
        model=model,
        holds="Test rows",
        part="query_analytics",
        purposes=("analytics",),
        export=rows,
        erase=lambda _subject: 0,
        **more,
    )
    personal_data.declare(declaration)
    try:
        yield declaration
    finally:
        del personal_data._declared[model]


def moment(text: str) -> datetime:
    """Return an ISO moment."""
    return datetime.fromisoformat(text)
