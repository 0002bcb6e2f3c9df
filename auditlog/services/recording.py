"""The one door by which evidence gets into the event log."""

from __future__ import annotations

from typing import Unpack
from uuid import UUID

from django.db import Error, connection
from django.utils import timezone

from auditlog.registry import EventType
from auditlog.services.inserting import in_transaction, insert, write_with_transaction
from auditlog.services.keeping import keep_on_disk
from auditlog.services.rows import (
    Evidence,
    Row,
    Target,
    build_row,
    draft_event,
    ip_hash,
    network_hash,
    sealed_row,
)
from chatsec.core.outage import is_out_of_reach

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

    Outside of a transaction, while the database is away, the event is kept on disk
    and written later, unless its type says that the act must not happen without it.
    """
    draft = draft_event(event, evidence, occurred_at=timezone.now())
    try:
        write_with_transaction(sealed_row(draft))
    except Error as error:
        if event.fail_closed or in_transaction() or not is_out_of_reach(error):
            raise
        keep_on_disk(draft)
        # Nobody else does it outside of a request: the next use connects anew.
        connection.close()
    return draft.event_id
