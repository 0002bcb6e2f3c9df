"""The quick way to know that many seals are right: their events compared end to end.

The server hashes the rows and joins what it finds of each seal and partition; that is
the same bytes as the seal keeps, or something is wrong. What is wrong is then found out
one by one, by `rows`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection

from auditlog.models import Seal
from auditlog.proofs import merkle
from auditlog.proofs.in_sql import leaf_sql
from auditlog.services.seal_chain import ID_BYTES, batched_leaves
from auditlog.services.verification.findings import Report
from auditlog.services.verification.statements import partitions_of

_FOUND: Final = f"""
    SELECT hashed.window, part.relname, min(hashed.occurred_at),
        max(hashed.occurred_at),
        string_agg(uuid_send(hashed.event_id), ''::bytea ORDER BY hashed.event_id),
        string_agg(hashed.leaf, ''::bytea ORDER BY hashed.event_id)
    FROM (
        SELECT width_bucket(event.xid, %s::bigint[]) AS window, event.tableoid AS part,
            event.event_id, event.occurred_at, {leaf_sql("event")} AS leaf
        FROM auditlog_event AS event
        WHERE event.epoch = %s AND event.xid >= %s AND event.xid < %s
    ) AS hashed JOIN pg_class AS part ON part.oid = hashed.part
    GROUP BY hashed.window, part.relname
"""  # noqa: S608 - our own expression


class Slack(NamedTuple):
    """How much older, and how much younger, an event may be than its seal."""

    older: timedelta
    younger: timedelta


class Found(NamedTuple):
    """What the table holds of one seal in one partition."""

    first_at: datetime
    last_at: datetime
    event_ids: bytes
    leaves: bytes


class Kept(NamedTuple):
    """What a seal keeps of one partition."""

    event_ids: bytes
    leaves: bytes


def verify_wholesale(
    seals: Sequence[Seal], *, pruned: Collection[str], slack: Slack
) -> Report | None:
    """Return the report if every event is as these seals say, else None."""
    windows = [seal for seal in seals if seal.xid_from is not None]
    if any(seal.count and seal.xid_from is None for seal in seals):
        return None
    found = _found_in(windows)
    report = Report()
    for window, seal in enumerate(windows, start=1):
        there = found.pop(window, {})
        for name, kept in _kept_by(seal):
            rows = there.pop(name, None)
            if rows is None and name in pruned:
                report.pruned += len(kept.event_ids) // ID_BYTES
            elif rows is None or not _is_as_sealed(rows, kept, seal, slack):
                return None
        if there or not _is_whole(seal):
            return None
        report.events += seal.count
    return report if not found else None


def _found_in(windows: Sequence[Seal]) -> dict[int, dict[str, Found]]:
    """Return what the table holds, by the place of its window and by partition."""
    found: dict[int, dict[str, Found]] = {}
    if not windows:
        return found
    starts = [seal.xid_from for seal in windows]
    ends = [seal.xid_below for seal in windows if seal.xid_below is not None]
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [starts, windows[0].epoch, min(starts), max(ends)])  # type: ignore[type-var]  # none is NULL
        for window, name, first_at, last_at, ids, leaves in cursor.fetchall():
            rows = Found(first_at, last_at, bytes(ids), bytes(leaves))
            found.setdefault(window, {})[name] = rows
    return found


def _kept_by(seal: Seal) -> Iterator[tuple[str, Kept]]:
    """Yield what the seal keeps, partition by partition."""
    counts = partitions_of(seal)
    ids, leaves = bytes(seal.event_ids or b""), bytes(seal.leaves or b"")
    at = 0
    for name in sorted(counts):
        until = at + counts[name]
        yield (
            name,
            Kept(
                ids[at * ID_BYTES : until * ID_BYTES],
                leaves[at * merkle.HASH_BYTES : until * merkle.HASH_BYTES],
            ),
        )
        at = until


def _is_as_sealed(rows: Found, kept: Kept, seal: Seal, slack: Slack) -> bool:
    is_timely = (
        seal.sealed_at - rows.first_at <= slack.older
        and rows.last_at - seal.sealed_at <= slack.younger
    )
    return is_timely and (rows.event_ids, rows.leaves) == kept


def _is_whole(seal: Seal) -> bool:
    """Whether the seal's hashes are as many as it says, and lead to its root."""
    ids, leaves = bytes(seal.event_ids or b""), bytes(seal.leaves or b"")
    counts = partitions_of(seal)
    if not len(ids) // ID_BYTES == len(leaves) // merkle.HASH_BYTES == seal.count:
        return False
    if sum(counts.values()) != seal.count:
        return False
    return not seal.count or merkle.root(batched_leaves(leaves)) == bytes(seal.root)
