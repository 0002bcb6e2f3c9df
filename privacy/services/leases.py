"""Who works on a request: one worker at a time, and never a dead one for long.

A lease instead of a session lock, so that it holds behind a connection pooler too.
Every write of a worker carries its token: one that was taken for dead cannot go on.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core.context import SYSTEM
from privacy import events
from privacy.constants import LEASE, MAX_ATTEMPTS
from privacy.models import AUTOMATIC_KINDS, RequestState, SubjectRequest

WORKABLE = (RequestState.RECEIVED, RequestState.RUNNING)


class LeaseLost(Exception):
    """The request was cancelled, or another worker has it: stop here."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one request, until the lease ends."""

    request_id: UUID
    subject_id: UUID
    kind: str
    token: UUID


def claim_request(request_id: UUID, *, now: datetime) -> Claim | None:
    """Return the claim, or None when there is nothing to do or another is at it."""
    with transaction.atomic():
        row = (
            SubjectRequest.objects.select_for_update()
            .filter(id=request_id, kind__in=AUTOMATIC_KINDS, state__in=WORKABLE)
            .filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now))
            .filter(attempts__lt=MAX_ATTEMPTS)
            .first()
        )
        if row is None:
            return None
        row.state = RequestState.RUNNING
        row.lease_token = uuid.uuid4()
        row.lease_until = now + LEASE
        row.attempts += 1
        row.save(update_fields=["state", "lease_token", "lease_until", "attempts"])
        return Claim(row.id, row.subject_id, row.kind, row.lease_token)


def renew(claim: Claim) -> None:
    """Say that this worker lives; raise LeaseLost when it may not go on."""
    until = timezone.now() + LEASE
    if not _mine(claim).update(lease_until=until):
        raise LeaseLost


def lock_claimed(claim: Claim) -> SubjectRequest:
    """Return the request, locked in the caller's transaction; raise LeaseLost."""
    row = _mine(claim).select_for_update().first()
    if row is None:
        raise LeaseLost
    return row


def release_failed(claim: Claim, error: Exception) -> None:
    """Let the next try begin; after too many, hand the request to an administrator."""
    # The type only: a message may quote what was being exported.
    reason = type(error).__name__
    _mine(claim).update(lease_token=None, lease_until=None, last_error=reason)
    give_up_on(SubjectRequest.objects.filter(id=claim.request_id), now=timezone.now())


def give_up_on(rows: QuerySet[SubjectRequest], *, now: datetime) -> int:
    """Mark those of `rows` that were tried too often; return how many."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    with transaction.atomic():
        spent = rows.filter(free, state__in=WORKABLE, attempts__gte=MAX_ATTEMPTS)
        found = list(spent.select_for_update())
        for row in found:
            row.state = RequestState.FAILED
            row.lease_token = row.lease_until = None
            row.save(update_fields=["state", "lease_token", "lease_until"])
            record(
                events.REQUEST_FAILED,
                actor=SYSTEM,
                outcome="error",
                target=Target("privacy_request", row.id),
                details={"kind": row.kind, "error_type": row.last_error},
            )
    return len(found)


def _mine(claim: Claim) -> QuerySet[SubjectRequest]:
    return SubjectRequest.objects.filter(id=claim.request_id, lease_token=claim.token)
