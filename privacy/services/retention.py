"""What is past its time goes, daily; what a legal hold protects stays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from auditlog.registry import EventType
from auditlog.services import Target, record
from chatsec.core import personal_data
from chatsec.core.context import SYSTEM, Actor
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound
from chatsec.core.personal_data import Declaration
from privacy import events, selectors
from privacy.models import LegalHold, RetentionPolicy, RetentionRun

logger = logging.getLogger(__name__)

LOCKING = "retention"
HOLDS_LOCK = 0x484F4C44  # "HOLD"


def run_retention(*, dry_run: bool, now: datetime | None = None) -> RetentionRun:
    """Delete, or count, every declared model's rows past their policy.

    One model that fails does not keep the others from being done; its failure is in the
    run and in the audit log.
    """
    now = now or timezone.now()
    run = RetentionRun(is_dry_run=dry_run, started_at=now)
    run.save(force_insert=True)
    days = dict(RetentionPolicy.objects.values_list("key", "days"))
    for declared in personal_data.declarations():
        if declared.expire is not None:
            _apply(run, declared, days)
    run.finished_at = timezone.now()
    with transaction.atomic():
        run.save()
        if not dry_run:
            _evidence(run)
    return run


def _apply(run: RetentionRun, declared: Declaration, days: dict[str, int]) -> None:
    try:
        before = run.started_at - timedelta(days=days[declared.retention])
        with nullcontext() if run.is_dry_run else _no_new_holds():
            held = selectors.held_subjects()
            run.counts[declared.model] = _counted(run, declared, before, held)
        run.held_subjects = max(run.held_subjects, len(held))
    except Exception as error:
        logger.exception("retention failed", extra={"model": declared.model})
        run.failures[declared.model] = type(error).__name__


@contextmanager
def _no_new_holds() -> Iterator[None]:
    """Make `place_hold` wait while the block deletes what it found to be free.

    Once a hold is placed, then, nothing of the person is deleted any more. The lock is
    held on a connection of its own: the deletions commit batch by batch meanwhile. It
    is shared: only placing a hold waits, not another deletion.
    """
    with transaction.atomic(using=LOCKING), connections[LOCKING].cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [HOLDS_LOCK])
        yield


@contextmanager
def standing_holds() -> Iterator[frozenset[UUID]]:
    """Yield whose data is held; nobody is added while the block runs."""
    with _no_new_holds():
        yield selectors.held_subjects()


def require_no_hold(subject_id: UUID) -> None:
    """Raise Conflict if a hold stands; else none comes before this transaction ends.

    Call it in the transaction that deletes something of the subject.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [HOLDS_LOCK])
    if subject_id in selectors.held_subjects():
        raise Conflict("A legal hold keeps this data.", code="legal_hold")


def _wait_for_deletions() -> None:
    """Return when no deletion goes on that knows nothing of this transaction's hold."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [HOLDS_LOCK])


def _counted(
    run: RetentionRun, declared: Declaration, before: datetime, held: frozenset[UUID]
) -> int | None:
    if not run.is_dry_run:
        return declared.expire(before, held) if declared.expire else 0
    return declared.count_expired(before, held) if declared.count_expired else None


def _evidence(run: RetentionRun) -> None:
    record(
        events.RETENTION_APPLIED,
        actor=SYSTEM,
        outcome="error" if run.failures else "success",
        target=Target("retention_run", run.id),
        details={"counts": dict(run.counts), "failures": dict(run.failures)},
        result_count=sum(run.counts.values()),
    )


def place_hold(actor: Actor, *, subject_id: UUID, matter: str) -> LegalHold:
    """Keep everything of the subject from being deleted until the hold is released."""
    placed_by = _named(actor)
    if not matter.strip():
        raise Invalid("Name the matter.", fields={"matter": ["Required."]})
    try:
        with transaction.atomic():
            _wait_for_deletions()
            hold = LegalHold.objects.create(
                subject_id=subject_id, matter=matter.strip(), placed_by=placed_by
            )
            _hold_evidence(events.HOLD_PLACED, actor, hold)
    except IntegrityError as error:
        raise Conflict("This hold stands already.", code="hold_stands") from error
    return hold


def release_hold(actor: Actor, hold_id: UUID) -> LegalHold:
    """Let the subject's data follow the retention policies again."""
    released_by = _named(actor)
    with transaction.atomic():
        hold = LegalHold.objects.select_for_update().filter(id=hold_id).first()
        if hold is None:
            raise NotFound("There is no such hold.")
        if hold.released_at is not None:
            raise Conflict("This hold was released already.", code="hold_released")
        hold.released_at = timezone.now()
        hold.released_by = released_by
        hold.save(update_fields=["released_at", "released_by"])
        _hold_evidence(events.HOLD_RELEASED, actor, hold)
    return hold


def _named(actor: Actor) -> UUID:
    if actor.id is None:
        raise Denied("A hold has somebody who answers for it.")
    return actor.id


def _hold_evidence(event: EventType, actor: Actor, hold: LegalHold) -> None:
    record(
        event,
        actor=actor,
        target=Target("legal_hold", hold.id),
        subject_id=hold.subject_id,
        # Whom somebody quarrels with is about the person, not about the administrator.
        subject_details={"matter": hold.matter},
    )
