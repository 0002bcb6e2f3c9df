"""Partitions ahead of time, and the end of those past their retention.

Everything goes through the owner's functions over the `retention` connection: that role
can call them and do nothing else to the event log.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from django.db import connections, transaction
from django.utils import timezone

from auditlog.constants import PARTITION_MONTHS_AHEAD

RETENTION: Final = "retention"


class Partition(NamedTuple):
    """One leaf partition, and whether its whole content is past retention."""

    name: str
    category: str
    ends_at: datetime
    is_expired: bool


def ensure_partitions(
    *, since: date | None = None, months_ahead: int = PARTITION_MONTHS_AHEAD
) -> int:
    """Give every category partitions up to `months_ahead`; return how many are new."""
    first = since or timezone.now().date()
    with transaction.atomic(using=RETENTION), connections[RETENTION].cursor() as cursor:
        cursor.execute("SELECT audit_ensure_partitions(%s, %s)", [first, months_ahead])
        return int(cursor.fetchone()[0])


def list_partitions() -> list[Partition]:
    """Return all leaf partitions."""
    with connections[RETENTION].cursor() as cursor:
        cursor.execute(
            "SELECT partition, category, upper_bound, expired FROM audit_partitions()"
        )
        return [Partition(*row) for row in cursor.fetchall()]
