"""Background work of the chat."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from chat.services.housekeeping import forget_finished


@shared_task
def forget_finished_requests() -> int:
    """Delete idempotency records and pending questions that are over."""
    return forget_finished(now=timezone.now())
