"""Forgetting what is over."""

from __future__ import annotations

from datetime import datetime

from chat.models import IdempotencyRecord, PendingQuestion


def forget_finished(*, now: datetime) -> int:
    """Delete expired idempotency records and questions; return how many there were."""
    records, _ = IdempotencyRecord.objects.filter(expires_at__lte=now).delete()
    questions, _ = PendingQuestion.objects.filter(expires_at__lte=now).delete()
    return records + questions
