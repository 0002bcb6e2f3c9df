"""Forgetting what is over."""

from __future__ import annotations

from datetime import datetime

from chat.constants import RELEASES_REMEMBERED_FOR
from chat.models import IdempotencyRecord, PendingQuestion, ReleasedGroup


def forget_finished(*, now: datetime) -> int:
    """Delete what is over: idempotency records, questions, groups shown long ago."""
    records, _ = IdempotencyRecord.objects.filter(expires_at__lte=now).delete()
    questions, _ = PendingQuestion.objects.filter(expires_at__lte=now).delete()
    before = now - RELEASES_REMEMBERED_FOR
    groups, _ = ReleasedGroup.objects.filter(released_at__lte=before).delete()
    return records + questions + groups
