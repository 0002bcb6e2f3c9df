"""Trials of rules: one's own, and those of others for who manages detection."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from auditlog.models import RuleTrial
from chatsec.core.context import Actor
from chatsec.core.errors import NotFound


def list_trials(actor: Actor, *, sees_all: bool) -> QuerySet[RuleTrial]:
    """Return the trials that the actor may see, the newest first."""
    rows = RuleTrial.objects.filter(expires_at__gt=timezone.now())
    if not sees_all:
        rows = rows.filter(owner_id=actor.id)
    return rows.select_related("rule", "owner").order_by("-created_at", "-id")


def get_trial(actor: Actor, trial_id: UUID, *, sees_all: bool) -> RuleTrial:
    """Return a trial that the actor may see; raise NotFound."""
    found = list_trials(actor, sees_all=sees_all).filter(pk=trial_id).first()
    if found is None:
        raise NotFound("There is no such trial.")
    return found
