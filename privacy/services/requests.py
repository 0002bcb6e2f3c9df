"""Requests under data protection law: opened, cancelled, answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from auditlog.registry import EventType
from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Invalid, NotFound, TooMany
from privacy import events, selectors
from privacy.constants import REQUESTS_A_DAY
from privacy.deadlines import due_date
from privacy.errors import RequestOpenAlready
from privacy.models import RequestKind, RequestState, SubjectRequest
from privacy.services import keys
from privacy.services.identity import prove_identity, subject_of


def open_request(
    actor: Actor,
    kind: str,
    *,
    password: str | None = None,
    now: datetime | None = None,
) -> SubjectRequest:
    """Return a new request of the actor about himself, with its due date.

    Raises ReauthenticationRequired unless he proved a moment ago who he is, and
    RequestOpenAlready when one of this kind is open.
    """
    now = now or timezone.now()
    subject_id = subject_of(actor)
    if kind not in RequestKind.values:
        raise Invalid(
            "Unknown kind of request.", fields={"kind": ["Not a valid kind."]}
        )
    proof = prove_identity(actor, password=password, now=now)
    try:
        with transaction.atomic():
            _refuse_excess(subject_id, kind, now)
            request = SubjectRequest.objects.create(
                subject_id=subject_id,
                kind=kind,
                identity_proof=proof,
                channel=actor.channel,
                received_at=now,
                due_at=due_date(now),
            )
            _evidence(events.REQUEST_OPENED, actor, request, proof=proof)
    except IntegrityError as error:
        raise _open_already(subject_id, kind) from error
    return request


def cancel_request(actor: Actor, request_id: UUID) -> SubjectRequest:
    """Take the actor's own open request back; a worker on it stops."""
    selectors.get_request(actor, request_id)
    with transaction.atomic():
        request = _locked(request_id)
        if not request.is_open:
            raise Conflict("This request is closed already.", code="request_closed")
        _close(request, RequestState.CANCELLED)
        _evidence(events.REQUEST_CANCELLED, actor, request)
    return request


def resolve_request(
    actor: Actor, request_id: UUID, *, outcome: str, resolution: str
) -> SubjectRequest:
    """Close a request as completed or refused; a refusal tells why (Article 12(4))."""
    if outcome not in (RequestState.COMPLETED, RequestState.REFUSED):
        raise Invalid("Complete it or refuse it.", fields={"outcome": ["Not valid."]})
    if not resolution.strip():
        raise Invalid(
            "Say what was done, or why not.", fields={"resolution": ["Required."]}
        )
    with transaction.atomic():
        request = _locked(request_id)
        if not request.is_open:
            raise Conflict("This request is closed already.", code="request_closed")
        request.resolution = resolution.strip()
        _close(request, RequestState(outcome))
        _evidence(events.REQUEST_RESOLVED, actor, request, outcome=str(outcome))
    return request


def retry_request(actor: Actor, request_id: UUID) -> SubjectRequest:
    """Let a request that stopped be tried again from where it came to."""
    with transaction.atomic():
        request = _locked(request_id)
        if request.state != RequestState.FAILED or not request.is_automatic:
            raise Conflict("This request did not stop.", code="request_not_failed")
        request.state = RequestState.RECEIVED
        request.attempts = 0
        request.save(update_fields=["state", "attempts"])
        _evidence(events.REQUEST_RETRIED, actor, request)
    return request


def _refuse_excess(subject_id: UUID, kind: str, now: datetime) -> None:
    """Raise TooMany: opening and cancelling without end would keep workers busy."""
    keys.lock_subject(subject_id)
    day_ago = now - timedelta(days=1)
    recent = SubjectRequest.objects.filter(
        subject_id=subject_id, kind=kind, received_at__gt=day_ago
    ).order_by("-received_at")
    oldest = recent[REQUESTS_A_DAY - 1 : REQUESTS_A_DAY].values_list(
        "received_at", flat=True
    )
    for received_at in oldest:
        wait = int((received_at - day_ago).total_seconds()) + 1
        raise TooMany("That is enough for one day.", retry_after_seconds=wait)


def _open_already(subject_id: UUID, kind: str) -> RequestOpenAlready:
    label = RequestKind(kind).label
    rows = selectors.list_open_requests().filter(subject_id=subject_id, kind=kind)
    existing = rows.values_list("id", flat=True).first()
    return RequestOpenAlready(
        f"You have an open request already: {label}.",
        request_id_open=str(existing) if existing else None,
    )


def _locked(request_id: UUID) -> SubjectRequest:
    request = SubjectRequest.objects.select_for_update().filter(id=request_id).first()
    if request is None:
        raise NotFound("There is no such request.")
    return request


def _close(request: SubjectRequest, state: RequestState) -> None:
    request.state = state
    request.closed_at = timezone.now()
    # Without its lease a worker that is still at it stops at its next write.
    request.lease_token = request.lease_until = None
    request.save(
        update_fields=["state", "closed_at", "resolution", "lease_token", "lease_until"]
    )


def _evidence(
    event: EventType, actor: Actor, request: SubjectRequest, **details: str
) -> None:
    record(
        event,
        actor=actor,
        target=Target("privacy_request", request.id),
        subject_id=request.subject_id,
        details={"kind": request.kind, **details},
    )
