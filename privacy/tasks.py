"""Background work; every task may run twice, or at once with itself."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from privacy import selectors
from privacy.models import SubjectRequest
from privacy.services import downloads, exports, leases, retention

logger = logging.getLogger(__name__)


def enqueue(request: SubjectRequest) -> None:
    """Hand an automatic request to a worker once it is committed.

    A broker that is down loses nothing: the sweep finds the row within a minute.
    """
    if request.is_automatic:
        transaction.on_commit(lambda: _send(request), robust=True)


def _send(request: SubjectRequest) -> None:
    fulfil_request.delay(str(request.id))


@shared_task(name="privacy.tasks.fulfil_request")
def fulfil_request(request_id: str) -> bool:
    """Carry the request out, unless it is done or somebody else is at it."""
    try:
        return exports.fulfil_request(UUID(request_id))
    except Exception:
        # The lease is given back; the sweep tries again and gives up in the end.
        logger.exception("privacy request failed", extra={"request": request_id})
        return False


@shared_task(name="privacy.tasks.sweep_stranded_requests")
def sweep_stranded_requests() -> int:
    """Hand out again what no living worker has; delete files past their time."""
    now = timezone.now()
    leases.give_up_on(selectors.list_automatic_requests(), now=now)
    stranded = selectors.list_stranded_requests(now).values_list("id", flat=True)
    for request_id in (found := list(stranded[:100])):
        fulfil_request.delay(str(request_id))
    downloads.remove_expired(now)
    return len(found)


@shared_task(name="privacy.tasks.apply_retention")
def apply_retention() -> int:
    """Delete what is past its retention."""
    run = retention.run_retention(dry_run=False)
    return sum(run.counts.values())
