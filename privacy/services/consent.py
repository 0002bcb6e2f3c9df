"""Consent: given and withdrawn by the same single step (Article 7(3))."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core import crypto
from chatsec.core.context import Actor
from chatsec.core.errors import Invalid, Unauthenticated
from privacy import events, selectors
from privacy.errors import NotConsentBased
from privacy.models import ConsentEvent, ConsentState, NoticeVersion, Purpose


def give_consent(
    actor: Actor, *, purpose: str, now: datetime | None = None
) -> ConsentState:
    """Record that the actor agrees under the notice of today; counts at once."""
    return _say(actor, purpose, granted=True, now=now or timezone.now())


def withdraw_consent(
    actor: Actor, *, purpose: str, now: datetime | None = None
) -> ConsentState:
    """Record that the actor no longer agrees; counts with this commit."""
    return _say(actor, purpose, granted=False, now=now or timezone.now())


def _say(actor: Actor, key: str, *, granted: bool, now: datetime) -> ConsentState:
    if actor.id is None:
        raise Unauthenticated
    purpose = selectors.get_purpose(key)
    if not purpose.optional:
        raise NotConsentBased(f"“{purpose.title}” does not rest on consent.")
    with transaction.atomic():
        state = _locked_state(actor.id, purpose)
        if state.granted != granted or state.changed_at is None:
            _write(actor, state, granted=granted, now=now)
    return state


def _locked_state(subject_id: UUID, purpose: Purpose) -> ConsentState:
    """Lock the one row, so that the ledger and the state tell the same story."""
    empty = ConsentState(subject_id=subject_id, purpose=purpose)
    ConsentState.objects.bulk_create([empty], ignore_conflicts=True)
    rows = ConsentState.objects.select_for_update()
    return rows.get(subject_id=subject_id, purpose=purpose)


def _write(actor: Actor, state: ConsentState, *, granted: bool, now: datetime) -> None:
    event = ConsentEvent.objects.create(
        pseudonym=crypto.subject_keys().pseudonym(state.subject_id),
        purpose_id=state.purpose_id,
        notice=selectors.get_notice(),
        granted=granted,
        channel=actor.channel,
        occurred_at=now,
    )
    state.granted = granted
    state.changed_at = now
    state.save(update_fields=["granted", "changed_at"])
    record(
        events.CONSENT_GIVEN if granted else events.CONSENT_WITHDRAWN,
        actor=actor,
        target=Target("purpose", state.purpose_id),
        subject_id=state.subject_id,
        details={"purpose": state.purpose_id, "consent_event": str(event.id)},
    )


def publish_notice(actor: Actor, *, body: str) -> NoticeVersion:
    """Make `body` the notice that holds from now on."""
    body = selectors.normalised_notice(body)
    if not body.strip():
        raise Invalid("The notice is empty.", fields={"body": ["Required."]})
    digest = sha256(body.encode()).hexdigest()
    with transaction.atomic():
        fresh = NoticeVersion(sha256=digest, body=body)
        NoticeVersion.objects.bulk_create([fresh], ignore_conflicts=True)
        notice = NoticeVersion.objects.get(sha256=digest)
        if notice.id != fresh.id:
            raise Invalid("This text was published before.", code="notice_unchanged")
        record(
            events.NOTICE_PUBLISHED,
            actor=actor,
            target=Target("notice", str(notice.id)),
            details={"sha256": digest},
        )
    return notice
