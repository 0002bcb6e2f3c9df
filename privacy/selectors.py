"""Reads of the privacy app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from chatsec.core import crypto, personal_data
from chatsec.core.context import Actor
from chatsec.core.errors import NotFound
from privacy.constants import MAX_ATTEMPTS, PARTS
from privacy.models import (
    AUTOMATIC_KINDS,
    OPEN_STATES,
    ConsentEvent,
    ConsentState,
    ExportArtifact,
    LawfulBasis,
    LegalHold,
    NoticeVersion,
    Purpose,
    RequestState,
    RetentionPolicy,
    SubjectRequest,
    TaskState,
)


@dataclass(frozen=True, slots=True)
class Consent:
    """One purpose as its data subject sees it."""

    purpose: Purpose
    granted: bool
    changed_at: datetime | None

    @property
    def in_use(self) -> bool:
        """Whether data is processed for it now."""
        return self.granted or not self.purpose.optional


@dataclass(frozen=True, slots=True)
class Holding:
    """One kind of data we hold, in words for the person it is about."""

    holds: str
    part: str
    purposes: tuple[str, ...]
    # None: as long as the account.
    days: int | None
    keep_reason: str


def get_notice() -> NoticeVersion:
    """Return the notice that holds now."""
    notice = NoticeVersion.objects.filter(published_at__lte=timezone.now()).first()
    if notice is None:
        raise NotFound("No privacy notice is published.", code="no_notice")
    return notice


def normalised_notice(body: str) -> str:
    """Return the text as it is published: plain line ends, one at the end."""
    return body.replace("\r\n", "\n").strip() + "\n"


def is_published(body: str) -> bool:
    """Whether this very text was published before."""
    digest = sha256(normalised_notice(body).encode()).hexdigest()
    return NoticeVersion.objects.filter(sha256=digest).exists()


def get_purpose(key: str) -> Purpose:
    """Return the purpose or raise NotFound."""
    purpose = Purpose.objects.filter(key=key).first()
    if purpose is None:
        raise NotFound("There is no such purpose.")
    return purpose


def has_basis(
    subject_id: UUID | None, purpose: str, now: datetime | None = None
) -> bool:
    """Whether `purpose` may be served for the subject now (Article 6).

    Asked of the database each time: a withdrawal counts with its commit.
    """
    basis = Purpose.objects.filter(key=purpose).values_list("basis", flat=True).first()
    if basis is None:
        return False
    if basis != LawfulBasis.CONSENT:
        return True
    if subject_id is None:
        return False
    return ConsentState.objects.filter(
        subject_id=subject_id,
        purpose=purpose,
        granted=True,
        changed_at__lte=now or timezone.now(),
    ).exists()


def consent_missing(actor: Actor, purpose: str) -> bool:
    """Whether the actor's data may not be used for `purpose` yet."""
    return not has_basis(actor.id, purpose)


def list_consents(subject_id: UUID) -> list[Consent]:
    """Return every purpose with what the subject says about it, in two queries."""
    states = {
        state.purpose_id: state
        for state in ConsentState.objects.filter(subject_id=subject_id)
    }
    return [_consent(purpose, states) for purpose in Purpose.objects.all()]


def _consent(purpose: Purpose, states: dict[str, ConsentState]) -> Consent:
    state = states.get(purpose.key)
    if state is None:
        return Consent(purpose, granted=False, changed_at=None)
    return Consent(purpose, granted=state.granted, changed_at=state.changed_at)


def list_consent_events(subject_id: UUID) -> QuerySet[ConsentEvent]:
    """Return the subject's ledger, newest first."""
    pseudonym = crypto.subject_keys().pseudonym(subject_id)
    return ConsentEvent.objects.filter(pseudonym=pseudonym)


def list_requests(actor: Actor) -> QuerySet[SubjectRequest]:
    """Return the actor's own requests; nobody else's, and none for strangers."""
    if actor.id is None:
        return SubjectRequest.objects.none()
    rows = SubjectRequest.objects.filter(subject_id=actor.id)
    return rows.select_related("artifact").prefetch_related("tasks")


def get_request(actor: Actor, request_id: UUID) -> SubjectRequest:
    """Return the actor's own request or raise NotFound."""
    found = list_requests(actor).filter(id=request_id).first()
    if found is None:
        raise NotFound("There is no such request.")
    return found


def progress_percent(request: SubjectRequest) -> int:
    """Return how much of an automatic request is done, in whole percent."""
    if request.state == RequestState.COMPLETED:
        return 100
    tasks = request.tasks.all()
    if not tasks:
        return 0
    done = sum(task.state == TaskState.DONE for task in tasks)
    # The last percent is packing the archive.
    return min(99, 100 * done // len(tasks))


def find_downloadable(
    request: SubjectRequest, *, now: datetime | None = None
) -> ExportArtifact | None:
    """Return the request's export while it can still be fetched."""
    artifact: ExportArtifact | None = getattr(request, "artifact", None)
    if artifact is None or artifact.expires_at is None:
        return None
    is_there = artifact.removed_at is None and artifact.downloads_left > 0
    return (
        artifact if is_there and artifact.expires_at > (now or timezone.now()) else None
    )


def list_automatic_requests() -> QuerySet[SubjectRequest]:
    """Return requests that chatsec answers by itself and has not answered yet."""
    states = (RequestState.RECEIVED, RequestState.RUNNING)
    return SubjectRequest.objects.filter(kind__in=AUTOMATIC_KINDS, state__in=states)


def list_stranded_requests(now: datetime) -> QuerySet[SubjectRequest]:
    """Return automatic requests that no living worker has in hand, oldest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    rows = list_automatic_requests().filter(free, attempts__lt=MAX_ATTEMPTS)
    return rows.order_by("received_at")


def list_open_requests() -> QuerySet[SubjectRequest]:
    """Return what administrators must see answered, the most urgent first."""
    return SubjectRequest.objects.filter(state__in=OPEN_STATES).order_by("due_at")


def held_subjects() -> frozenset[UUID]:
    """Return everybody whose data a legal hold protects now."""
    standing = LegalHold.objects.filter(released_at__isnull=True)
    return frozenset(standing.values_list("subject_id", flat=True))


def models_expired_by(policy: str) -> tuple[str, ...]:
    """Return the models whose rows go when this policy's days are over."""
    declared = personal_data.declarations()
    return tuple(
        each.model for each in declared if each.expire and each.retention == policy
    )


def list_holdings() -> list[Holding]:
    """Return the data map in words for people, in the order of an export."""
    titles = dict(Purpose.objects.values_list("key", "title"))
    days = dict(RetentionPolicy.objects.values_list("key", "days"))
    declared = sorted(personal_data.declarations(), key=_place_in_export)
    return [
        Holding(
            holds=each.holds,
            part=each.part,
            purposes=tuple(titles.get(key, key) for key in each.purposes),
            days=days.get(each.retention),
            keep_reason=each.keep_reason,
        )
        for each in declared
    ]


def _place_in_export(declared: personal_data.Declaration) -> tuple[int, str]:
    return PARTS.index(declared.part), declared.model
