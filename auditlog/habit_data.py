"""What detection knows of a person's habits, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from auditlog.constants import ASPECTS, METRICS, RISK_WINDOW, SURPRISE_GAP
from auditlog.habit_turns import take_turn_to_erase
from auditlog.models import (
    ActorBaseline,
    ActorDay,
    ActorHour,
    ActorSurprise,
    KnownPlace,
    RiskSignal,
    RuleException,
    RuleTrial,
)
from auditlog.notes import open_reason
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal

Habit = ActorBaseline | ActorDay | ActorHour | ActorSurprise | KnownPlace | RiskSignal


def export_hours(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield how much the person did in each hour."""
    rows = ActorHour.objects.filter(actor_pseudonym=_pseudonym(subject_id))
    for row in rows.order_by("hour").iterator():
        counts: dict[str, Json] = {name: getattr(row, name) for name in METRICS}
        yield {"hour": _text(row.hour), **counts, "strangers": row.strangers}


def export_places(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the networks that the person acted from, as the audit log knows them."""
    rows = KnownPlace.objects.filter(actor_pseudonym=_pseudonym(subject_id))
    for row in rows.order_by("first_at").iterator():
        yield {
            "network": bytes(row.network_hash).hex(),
            "first_at": _text(row.first_at),
            "last_at": _text(row.last_at),
        }


def export_baselines(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield what counts as usual for the person."""
    rows = ActorBaseline.objects.filter(actor_pseudonym=_pseudonym(subject_id))
    for row in rows.order_by("metric", "hour_class"):
        yield {
            "metric": row.metric,
            "part_of_week": row.hour_class,
            "median": row.median,
            "spread": row.mad,
            "samples": row.n,
            "updated_at": _text(row.updated_at),
        }


def export_days(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield what the person did on each day, and how often."""
    rows = ActorDay.objects.filter(actor_pseudonym=_pseudonym(subject_id))
    for row in rows.order_by("day", "aspect", "value").iterator():
        yield {
            "day": row.day.isoformat(),
            "aspect": row.aspect,
            "value": row.value,
            "count": row.n,
            "last_at": _text(row.last_at),
        }


def export_surprise(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield how unusual the days were that no judgement is made of any more.

    While one counts, telling would spoil what it is kept for (GDPR Art. 23(1)(d), (i)).
    """
    before = timezone.now() - timedelta(days=SURPRISE_GAP)
    rows = ActorSurprise.objects.filter(actor_pseudonym=_pseudonym(subject_id))
    for row in rows.filter(last_at__lt=before).order_by("day", "days"):
        bits: dict[str, Json] = {name: getattr(row, name) for name in ASPECTS}
        yield {"day": row.day.isoformat(), "days": row.days, **bits}


def export_signs(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield weak signs that have faded.

    While one counts, telling would spoil what it is kept for (GDPR Art. 23(1)(d), (i)).
    """
    faded = timezone.now() - RISK_WINDOW
    rows = RiskSignal.objects.filter(actor_pseudonym=_pseudonym(subject_id))
    for row in rows.filter(last_at__lt=faded).order_by("last_at"):
        yield {"rule": row.rule, "weight": row.weight, "last_at": _text(row.last_at)}


def export_exceptions(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the exceptions that were made for the person."""
    rows = RuleException.objects.filter(actor_pseudonym=_pseudonym(subject_id))
    for row in rows.select_related("rule").order_by("created_at"):
        yield {
            "rule": row.rule.title,
            "reason": open_reason(row, owner=subject_id),
            "created_at": _text(row.created_at),
            "approved_at": _text(row.approved_at) if row.approved_at else None,
            "expires_at": _text(row.expires_at),
        }


def export_trials(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield which rules the person tried; what they found is about others."""
    rows = RuleTrial.objects.filter(owner_id=subject_id).select_related("rule")
    for row in rows.defer("findings").order_by("created_at"):
        yield {
            "rule": row.rule.title,
            "days": row.days,
            "state": row.state,
            "created_at": _text(row.created_at),
        }


def erase_hours(subject_id: UUID) -> int:
    """Delete the person's hours."""
    return _erase(ActorHour, subject_id)


def erase_baselines(subject_id: UUID) -> int:
    """Delete the person's baselines."""
    return _erase(ActorBaseline, subject_id)


def erase_places(subject_id: UUID) -> int:
    """Delete the networks that the person acted from."""
    return _erase(KnownPlace, subject_id)


def erase_days(subject_id: UUID) -> int:
    """Delete what the person did on each day."""
    return _erase(ActorDay, subject_id)


def erase_surprise(subject_id: UUID) -> int:
    """Delete how unusual the person's days were."""
    return _erase(ActorSurprise, subject_id)


def erase_signs(subject_id: UUID) -> int:
    """Delete the weak signs about the person."""
    return _erase(RiskSignal, subject_id)


def erase_exceptions(subject_id: UUID) -> int:
    """Delete the exceptions that were made for the person."""
    rows = RuleException.objects.filter(actor_pseudonym=_pseudonym(subject_id))
    return rows.delete()[0]


def erase_trials(subject_id: UUID) -> int:
    """Delete what the person tried."""
    return RuleTrial.objects.filter(owner_id=subject_id).delete()[0]


def _erase(model: type[Habit], subject_id: UUID) -> int:
    """Delete the person's rows; no scan writes others until the transaction ends.

    That has to be the one that destroys the key: a scan afterwards knows him no more.
    """
    with transaction.atomic():
        take_turn_to_erase()
        rows = model.objects.filter(actor_pseudonym=_pseudonym(subject_id))
        return rows.delete()[0]


def _pseudonym(subject_id: UUID) -> UUID:
    return subject_keys().pseudonym(subject_id)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


declare(
    Declaration(
        model="auditlog.ActorHour",
        holds="How many questions and records in each hour, under a pseudonym",
        part="query_analytics",
        purposes=("security_log",),
        export=export_hours,
        erase=erase_hours,
    )
)
declare(
    Declaration(
        model="auditlog.ActorBaseline",
        holds="What is usual for you, to notice when somebody else uses your account",
        part="query_analytics",
        purposes=("security_log",),
        export=export_baselines,
        erase=erase_baselines,
    )
)
declare(
    Declaration(
        model="auditlog.KnownPlace",
        holds="From which networks you acted, as digests, to notice somebody elsewhere",
        part="query_analytics",
        purposes=("security_log",),
        export=export_places,
        erase=erase_places,
    )
)
declare(
    Declaration(
        model="auditlog.ActorDay",
        holds="What you read, did and were refused on each day, for five weeks",
        part="query_analytics",
        purposes=("security_log",),
        export=export_days,
        erase=erase_days,
    )
)
declare(
    Declaration(
        model="auditlog.ActorSurprise",
        holds="How unlike your past your days were, to notice somebody else in them",
        part="query_analytics",
        purposes=("security_log",),
        export=export_surprise,
        erase=erase_surprise,
    )
)
declare(
    Declaration(
        model="auditlog.RiskSignal",
        holds="Unusual things noticed in the last week, under a pseudonym",
        part="query_analytics",
        purposes=("security_log",),
        export=export_signs,
        erase=erase_signs,
    )
)
declare(
    Declaration(
        model="auditlog.RuleException",
        holds="Why a detection rule does not count what you do, and until when",
        part="query_analytics",
        purposes=("security_log",),
        export=export_exceptions,
        erase=erase_exceptions,
    )
)
declare(
    Declaration(
        model="auditlog.RuleTrial",
        holds="Detection rules that you tried over the past, kept for a day",
        part="personal_info",
        purposes=("audit_trail",),
        export=export_trials,
        erase=erase_trials,
    )
)
not_personal(
    "auditlog.DetectionRule",
    "auditlog.RuleRun",
    "auditlog.SurpriseScale",
    reason="What is looked for, when, and how rare that is; nothing of those found",
)
