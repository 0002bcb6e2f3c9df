"""What the log keeps, for how long, and what keeps it longer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.module_loading import import_string

from auditlog.constants import RETENTION_DAYS, Category
from auditlog.models import Event
from chatsec.core.crypto import subject_keys

State = Literal["ahead", "written", "kept", "due", "held"]
# Holds are looked for in what goes within this time: each is a search of its own.
SOON: Final = timedelta(days=90)
# The catalogue's numbers: to count the rows would read the whole log.
_PARTITIONS: Final = r"""
    SELECT leaf.relname, substring(parent.relname FROM '^event_(.*)$'),
        substring(bounds.text FROM $re$FROM \('([^']+)'\)$re$)::timestamptz,
        substring(bounds.text FROM $re$TO \('([^']+)'\)$re$)::timestamptz,
        (CASE WHEN leaf.reltuples < 0 THEN pg_stat_get_live_tuples(leaf.oid)
            ELSE leaf.reltuples END)::bigint
    FROM pg_inherits
    JOIN pg_class AS leaf ON leaf.oid = pg_inherits.inhrelid AND leaf.relkind = 'r'
    JOIN pg_class AS parent ON parent.oid = pg_inherits.inhparent
    JOIN pg_namespace AS space
        ON space.oid = parent.relnamespace AND space.nspname = 'audit_parts'
    CROSS JOIN LATERAL pg_get_expr(leaf.relpartbound, leaf.oid) AS bounds (text)
    ORDER BY 2, 3
"""


class Part(NamedTuple):
    """One partition: it goes whole, once its youngest event is past its time."""

    name: str
    begins_at: datetime
    ends_at: datetime
    # An estimate.
    rows: int
    goes_at: datetime
    state: State


class Kept(NamedTuple):
    """The events of one category."""

    category: Category
    days: int
    rows: int
    parts: Sequence[Part]


def read_retention(*, now: datetime) -> list[Kept]:
    """Return every category with its partitions, the oldest first."""
    held = _held()
    found: dict[str, list[Part]] = {category: [] for category in RETENTION_DAYS}
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        rows = cursor.fetchall()
    for name, category, begins_at, ends_at, count in rows:
        goes_at = ends_at + timedelta(days=RETENTION_DAYS[category])
        part = Part(name, begins_at, ends_at, count, goes_at, _state(begins_at, now))
        found[category].append(_judged(part, category, held, now=now))
    return [
        Kept(category, days, sum(part.rows for part in parts), parts)
        for category, days in RETENTION_DAYS.items()
        for parts in [found[category]]
    ]


def _held() -> list[UUID]:
    """Return the pseudonyms of everybody under a legal hold."""
    held = import_string(settings.CHATSEC_AUDIT_HELD)()
    keys = subject_keys()
    keys.warm(held)
    return [keys.pseudonym(each) for each in held]


def _state(begins_at: datetime, now: datetime) -> State:
    return "ahead" if begins_at > now else "written"


def _judged(
    part: Part, category: str, held: Collection[UUID], *, now: datetime
) -> Part:
    """Return the partition with what will become of it."""
    if part.ends_at > now:
        return part
    if part.goes_at < now + SOON and _is_about(part, category, held):
        return part._replace(state="held")
    return part._replace(state="due" if part.goes_at <= now else "kept")


def _is_about(part: Part, category: str, people: Collection[UUID]) -> bool:
    if not people:
        return False
    about = Q(actor_pseudonym__in=people) | Q(subject_pseudonym__in=people)
    rows = Event.objects.filter(
        about,
        category=category,
        occurred_at__gte=part.begins_at,
        occurred_at__lt=part.ends_at,
    )
    return rows.exists()
