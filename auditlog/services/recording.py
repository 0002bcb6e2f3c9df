"""The one door by which evidence gets into the event log."""

from __future__ import annotations

from typing import Unpack
from uuid import UUID

from django.utils import timezone

from auditlog.registry import EventType
from auditlog.services.inserting import insert, write_with_transaction
from auditlog.services.rows import (
    Evidence,
    Row,
    Target,
    build_row,
    ip_hash,
    network_hash,
)

__all__ = [
    "Evidence",
    "Row",
    "Target",
    "build_row",
    "insert",
    "ip_hash",
    "network_hash",
    "record",
]


def record(event: EventType, **evidence: Unpack[Evidence]) -> UUID:
    """Write the event in the caller's transaction and return its id.

    Whatever fails here, or at the commit, propagates, so that the act which the event
    proves fails with it. Texts in `details` are redacted; `subject_details` are kept as
    given, under the subject's own key: names and addresses go there and free text does
    not.
    """
    row = build_row(event, evidence, occurred_at=timezone.now())
    write_with_transaction(row)
    return row.event_id
