"""Events in the order of the chain of seals, which never changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice, takewhile
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.utils import timezone

from auditlog.models import Event, Seal

ID_BYTES = 16
SEALS_AT_ONCE = 50


class Mark(NamedTuple):
    """A place in the chain: so many events into a seal."""

    seal_number: int
    position: int = 0


class Sealed(NamedTuple):
    """An event's id with the place behind it."""

    event_id: UUID
    seal_number: int
    after: Mark


class Lag(NamedTuple):
    """How many events wait behind a mark, and since when."""

    events: int
    since: datetime | None

    @property
    def seconds(self) -> int:
        """Return how long the first of them has waited."""
        if self.since is None:
            return 0
        return max(0, int((timezone.now() - self.since).total_seconds()))


def end_of_chain() -> Mark:
    """Return the place behind the last seal."""
    last = Seal.objects.order_by("-number").values_list("number", flat=True).first()
    return Mark((last or 0) + 1)


def sealed_from(mark: Mark, *, most: int) -> list[Sealed]:
    """Return what was sealed from the mark on, in the order of the chain."""
    return list(islice(_walk(mark), most))


def sealed_between(mark: Mark, end: Mark) -> list[Sealed]:
    """Return what was sealed from the mark on and before the end."""
    return list(takewhile(lambda each: each.after <= end, _walk(mark)))


def _walk(mark: Mark) -> Iterator[Sealed]:
    rows = Seal.objects.filter(number__gte=mark.seal_number, event_ids__isnull=False)
    for number, raw in _by_parts(rows.order_by("number")):
        count = len(raw) // ID_BYTES
        start = mark.position if number == mark.seal_number else 0
        for at in range(start, count):
            event_id = UUID(bytes=raw[at * ID_BYTES : (at + 1) * ID_BYTES])
            is_last = at + 1 == count
            after = Mark(number + 1) if is_last else Mark(number, at + 1)
            yield Sealed(event_id, number, after)


def _by_parts(rows: QuerySet[Seal]) -> Iterator[tuple[int, bytes]]:
    """Yield number and ids of each seal, few seals in memory at a time."""
    last = 0
    pairs = rows.values_list("number", "event_ids")
    while part := list(pairs.filter(number__gt=last)[:SEALS_AT_ONCE]):
        for number, raw in part:
            yield number, bytes(raw or b"")
        last = part[-1][0]


def events_in_order(ids: Sequence[UUID]) -> list[Event]:
    """Return the events of these ids that there still are, in the order of the ids."""
    found = Event.objects.in_bulk(ids)
    return [found[each] for each in ids if each in found]


def lag_behind(mark: Mark) -> Lag:
    """Return what waits from the mark on."""
    rows = Seal.objects.filter(number__gte=mark.seal_number, count__gt=0)
    total = rows.aggregate(total=Sum("count"))["total"] or 0
    first = rows.order_by("number").values_list("number", "sealed_at").first()
    if first is None:
        return Lag(0, None)
    done = mark.position if first[0] == mark.seal_number else 0
    return Lag(total - done, first[1])
