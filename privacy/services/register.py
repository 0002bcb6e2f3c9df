"""Changes to the registers: wording of purposes, periods of retention."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Invalid
from privacy import events, selectors
from privacy.models import Purpose, RetentionPolicy


def reword_purpose(actor: Actor, purpose: Purpose) -> Purpose:
    """Save the title and description; the basis of a purpose never changes.

    Another basis is another purpose: consent that was given would mean something else.
    """
    with transaction.atomic():
        purpose.save(update_fields=["title", "description", "position"])
        record(
            events.REGISTER_CHANGED, actor=actor, target=Target("purpose", purpose.key)
        )
    return purpose


def set_retention(actor: Actor, *, key: str, days: int) -> RetentionPolicy:
    """Keep this kind of data for `days` from the next run on.

    Refused where nothing expires by the policy: the audit log's periods are part of its
    partitions, and a figure here that changes nothing would be a lie.
    """
    if not selectors.models_expired_by(key):
        raise Conflict("This period is fixed.", code="retention_fixed")
    with transaction.atomic():
        policy = RetentionPolicy.objects.select_for_update().get(key=key)
        before = policy.days
        policy.days = days
        try:
            policy.full_clean()
        except ValidationError as error:
            raise Invalid("Not valid.", fields=error.message_dict) from error
        policy.save(update_fields=["days"])
        record(
            events.REGISTER_CHANGED,
            actor=actor,
            target=Target("retention_policy", key),
            details={"days_before": before, "days": days},
        )
    return policy
