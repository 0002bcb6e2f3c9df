"""The events: read by the windows of their seals, hashed again and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from auditlog.events import SPOOL_REPLAYED
from auditlog.models import Seal
from auditlog.proofs import merkle
from auditlog.proofs.in_sql import leaf_sql
from auditlog.services.seal_chain import ID_BYTES, batched_ids
from auditlog.services.verification.findings import (
    Fault,
    Finding,
    Report,
    digest,
)
from auditlog.services.verification.statements import (
    WITH_WINDOW,
    partitions_of,
    window_of,
)
from auditlog.services.verification.wholesale import Slack, verify_wholesale

# A batch of seals with about so many events is read by one query.
BATCH_EVENTS: Final = 100_000
BATCH_SEALS: Final = 2_000
# An event may be older than its seal by a long transaction or an outage, not by more.
LATEST: Final = timedelta(days=1)
EARLIEST: Final = timedelta(minutes=5)
# Not the first year: a day is taken from it.
BEFORE_ALL: Final = datetime(2, 1, 1, tzinfo=UTC)

_ROW: Final = f"""
    SELECT event.event_id, event.occurred_at, {leaf_sql("event")}
    FROM auditlog_event AS event
"""  # noqa: S608 - our own expression
_WAITED: Final = f"""
    SELECT EXISTS (
        SELECT FROM auditlog_event AS late JOIN auditlog_event AS said
            ON said.epoch = late.epoch AND said.xid = late.xid
        WHERE late.event_id = %s AND said.category = '{SPOOL_REPLAYED.category}'
            AND said.event_type = '{SPOOL_REPLAYED.name}'
    )
"""  # noqa: S608 - our own names
_IN_WINDOW: Final = f"{_ROW} WHERE epoch = %s AND xid >= %s AND xid < %s"
_BY_ID: Final = f"{_ROW} WHERE event_id = ANY(%s::uuid[])"
_IN_PARTITION: Final = f"""
    {_ROW} JOIN pg_class AS part ON part.oid = event.tableoid
    WHERE part.relname = %s AND category = %s
"""


def plan_batches(*, first: int = 1, last: int | None = None) -> list[tuple[int, int]]:
    """Return ranges of seal numbers whose events one query each can read."""
    ranges: list[tuple[int, int]] = []
    start, events, before = None, 0, None
    seals = Seal.objects.filter(number__gte=first).order_by("number")
    if last is not None:
        seals = seals.filter(number__lte=last)
    rows = seals.values_list("number", "count", "epoch")
    for number, count, epoch in rows.iterator(chunk_size=10_000):
        full = events + count > BATCH_EVENTS or (
            start is not None and number - start >= BATCH_SEALS
        )
        if start is not None and before is not None and (full or before[1] != epoch):
            ranges.append((start, before[0]))
            start, events = None, 0
        start = number if start is None else start
        events, before = events + count, (number, epoch)
    if start is not None and before is not None:
        ranges.append((start, before[0]))
    return ranges


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a seal keeps of one event."""

    leaf: bytes
    seal: int
    partition: str
    # Its time lies between these, allowing for slow transactions and clocks. The first
    # is asked for where an event is old, which next to none is.
    since: Callable[[], datetime]
    until: datetime
    is_swept: bool = False


def verify_batch(
    first: int, last: int, *, pruned: Iterable[str], swept: frozenset[bytes]
) -> Report:
    """Compare the events of these seals with the rows; name each that differs."""
    seals = list(Seal.objects.filter(number__range=(first, last)).order_by("number"))
    for seal in seals:
        # What was signed decides what is read, not what stands beside it.
        seal.xid_from, seal.xid_below = window_of(seal)
    gone = set(pruned)
    slack = Slack(LATEST, EARLIEST)
    if (report := verify_wholesale(seals, pruned=gone, slack=slack)) is not None:
        return report
    return _verify_each(seals, gone=gone, swept=swept)


def _verify_each(
    seals: Iterable[Seal], *, gone: set[str], swept: frozenset[bytes]
) -> Report:
    report = Report()
    expected: dict[bytes, Sealed] = {}
    windows: list[tuple[int, int, int]] = []
    for seal in seals:
        expected.update(_contents(seal, report))
        if seal.xid_from is not None and seal.xid_below is not None:
            windows.append((seal.epoch, seal.xid_from, seal.xid_below))
    report.events = len(expected)
    for row in _rows(windows, expected):
        _compare(row, expected, swept, report)
    for event_id, sealed in expected.items():
        if sealed.partition in gone:
            report.pruned += 1
        else:
            report.findings.append(_missing(event_id, sealed))
    return report


def _contents(seal: Seal, report: Report) -> dict[bytes, Sealed]:
    """Return the events of a seal if they are what its root says."""
    if not seal.count:
        return {}
    ids = batched_ids(bytes(seal.event_ids or b""))
    if ids and len(ids[-1]) != ID_BYTES:
        ids.pop()
    raw = bytes(seal.leaves or b"")
    leaves = [raw[at : at + 32] for at in range(0, len(raw), 32)]
    counts = partitions_of(seal)
    named = (name for name in sorted(counts) for _ in range(counts[name]))
    partitions = list(islice(named, len(ids) + 1))
    is_swept = seal.xid_from is None
    if not (len(ids) == len(leaves) == len(partitions) == seal.count) or (
        merkle.root(leaves) != bytes(seal.root)
    ):
        report.findings.append(
            Finding(
                Fault.BROKEN_SEAL,
                seal.number,
                says="its hashes are not its own",
                state=digest(seal.body, seal.root, seal.event_ids, seal.leaves),
            )
        )
    number, until = seal.number, seal.sealed_at
    since = cache(partial(_sealed_before, number))
    return {
        id_: Sealed(leaf, number, partition, since, until, is_swept)
        for id_, leaf, partition in zip(ids, leaves, partitions, strict=False)
    }


def _sealed_before(number: int) -> datetime:
    """Return when the sealer was at work before, which it need not have been for days.

    What it had not sealed by then is in the seal of this number, however late that was
    made. Before the first of all it may have been anything.
    """
    windows = Seal.objects.filter(number__lt=number, kind__in=WITH_WINDOW)
    newest = windows.order_by("-number").values_list("sealed_at", flat=True).first()
    return newest or BEFORE_ALL


def verify_partition(name: str, category: str) -> Report:
    """Compare everything that was sealed of one partition with what is in it."""
    report = Report()
    expected: dict[bytes, Sealed] = {}
    holding = Seal.objects.filter(body__contains=f'"{name}":').order_by("number")
    for seal in holding.iterator(chunk_size=100):
        found = _contents(seal, report)
        expected.update({k: v for k, v in found.items() if v.partition == name})
    report.events = len(expected)
    with connection.cursor() as cursor:
        cursor.execute(_IN_PARTITION, [name, category])
        for row in cursor:
            _compare(Row(*row), expected, frozenset(), report)
    report.findings += [_missing(id_, sealed) for id_, sealed in expected.items()]
    return report


def _missing(event_id: bytes, sealed: Sealed) -> Finding:
    return Finding(
        Fault.MISSING, sealed.seal, UUID(bytes=event_id), state=digest(sealed.leaf)
    )


class Row(NamedTuple):
    """An event as it is now."""

    event_id: UUID
    occurred_at: datetime
    leaf: memoryview


def _rows(
    windows: list[tuple[int, int, int]], expected: Mapping[bytes, Sealed]
) -> Iterator[Row]:
    """Yield the rows of the windows, which join, and of the seals that have none."""
    if windows:
        epoch = windows[0][0]
        lowest = min(start for _, start, _ in windows)
        highest = max(end for _, _, end in windows)
        yield from _fetch(_IN_WINDOW, [epoch, lowest, highest])
    # Taken out of `expected` row by row: what is left here belongs to no window.
    swept = [UUID(bytes=id_) for id_, sealed in expected.items() if sealed.is_swept]
    if swept:
        yield from _fetch(_BY_ID, [swept])


def _fetch(query: str, values: Sequence[int | list[UUID]]) -> Iterator[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        while rows := cursor.fetchmany(5_000):
            yield from (Row(*row) for row in rows)


def _compare(
    row: Row,
    expected: dict[bytes, Sealed],
    swept: frozenset[bytes],
    report: Report,
) -> None:
    sealed = expected.pop(row.event_id.bytes, None)
    if sealed is None:
        if row.event_id.bytes not in swept:
            extra = Finding(
                Fault.EXTRA, None, row.event_id, state=digest(bytes(row.leaf))
            )
            report.findings.append(extra)
        return
    if bytes(row.leaf) != sealed.leaf:
        fault, says = Fault.CHANGED, ""
    elif not _is_timely(row, sealed):
        fault, says = Fault.CLOCK, "its time is not"
    else:
        return
    state = digest(bytes(row.leaf), sealed.leaf)
    report.findings.append(Finding(fault, sealed.seal, row.event_id, says, state))


def _is_timely(row: Row, sealed: Sealed) -> bool:
    is_old = row.occurred_at < sealed.until - LATEST
    if is_old and row.occurred_at < sealed.since() - LATEST:
        return waited_on_disk(row.event_id)
    return row.occurred_at <= sealed.until + EARLIEST


def waited_on_disk(event_id: UUID) -> bool:
    """Whether the transaction that wrote the event says that it had waited."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITED, [event_id])
        return bool(cursor.fetchone()[0])
