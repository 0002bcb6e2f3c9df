"""What runs by itself."""

from __future__ import annotations

from celery import shared_task

from accounts.services import notices


@shared_task(name="accounts.tasks.deliver_notices")
def deliver_notices() -> int:
    """Mail the notices that are due; return how many went."""
    return notices.deliver_due()
