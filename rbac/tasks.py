"""What runs by itself."""

from __future__ import annotations

from celery import shared_task

from rbac.services.requests import expire_requests as expire


@shared_task(name="rbac.tasks.expire_requests")
def expire_requests() -> int:
    """Close requests for roles that nobody decided in time; return how many."""
    return expire()
