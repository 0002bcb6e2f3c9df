"""Evidence that must survive a rollback."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeVar, Unpack
from uuid import UUID

from django.db import OperationalError, connection, connections

from auditlog.registry import EventType
from auditlog.services.inserting import in_transaction
from auditlog.services.recording import Evidence, record
from chatsec.core.context import current_actor
from chatsec.core.outage import is_out_of_reach

T = TypeVar("T")
# The other connection may have to wait for a row that this transaction holds; nobody
# would ever break that wait, so it ends by itself.
WAIT: Final = "SET lock_timeout = '1s'; SET statement_timeout = '5s'"


def record_refusal(event: EventType, **evidence: Unpack[Evidence]) -> UUID:
    """Write the event so that no rollback of the caller takes it away.

    Call it after the rollback. Inside an open transaction (the admin site opens one
    around its forms) it goes over a connection of its own.
    """
    if not in_transaction():
        return record(event, **evidence)
    try:
        return on_own_connection(lambda: record(event, **evidence))
    except OperationalError as error:
        if is_out_of_reach(error):
            raise
        # The caller holds the new key of one of these people and will roll it back.
        nameless = _without_people(evidence)
        return on_own_connection(lambda: record(event, **nameless))


def on_own_connection(work: Callable[[], T]) -> T:
    """Return what `work` returns, done and committed on another connection.

    Connections belong to threads, so it runs in one; the request's context goes along.
    """
    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit") as pool:
        return pool.submit(context.run, _separately, work).result()


def _without_people(evidence: Evidence) -> Evidence:
    actor = replace(evidence.get("actor") or current_actor(), person=None)
    without = Evidence(actor=actor, subject_id=None, subject_details={})
    return {**evidence, **without}


def _separately(work: Callable[[], T]) -> T:
    try:
        _wait_not_for_long()
        return work()
    finally:
        connections.close_all()


def _wait_not_for_long() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(WAIT)
    except OperationalError as error:
        # The work finds that out as well, and knows what to do then.
        if not is_out_of_reach(error):
            raise
