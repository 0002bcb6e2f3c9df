"""How the log is sealed: the newest seal, where heads were left, what checks found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from auditlog import events
from auditlog.models import Anchor, Event, Seal
from auditlog.selectors.reading import read_events
from auditlog.selectors.seals import is_sealed
from auditlog.shapes import ReadEvent

MOST_CHECKS: Final = 10


class Left(NamedTuple):
    """A place outside of the database, and the newest head that it took."""

    sink: str
    number: int | None
    head: str
    at: datetime | None
    # Whether heads are sent there still.
    is_used: bool


class Sealing(NamedTuple):
    """What is known of the seals now."""

    newest: Seal | None
    is_working: bool
    places: Sequence[Left]
    checks: Sequence[ReadEvent]


def read_sealing() -> Sealing:
    """Return the newest seal, the places of heads and the newest checks."""
    seals = Seal.objects.defer("event_ids", "leaves", "body")
    checks = Event.objects.filter(
        category="audit", event_type=events.LOG_CHECKED.name
    ).order_by("-occurred_at", "-event_id")
    return Sealing(
        seals.order_by("-number").first(),
        is_sealed(),
        _places(),
        read_events(list(checks[:MOST_CHECKS])),
    )


def _places() -> list[Left]:
    """Return every place that took a head or should have, by name."""
    rows = Anchor.objects.order_by("-sink", "-number").distinct("sink")
    taken = {row.sink: row for row in rows}
    used = {_shown(sink) for sink in settings.CHATSEC_AUDIT_ANCHORS}
    return [_left(sink, taken.get(sink), used) for sink in sorted(used | set(taken))]


def _left(sink: str, anchor: Anchor | None, used: set[str]) -> Left:
    if anchor is None:
        return Left(sink, None, "", None, sink in used)
    head = bytes(anchor.head).hex()
    return Left(sink, anchor.number, head, anchor.anchored_at, sink in used)


def _shown(sink: str) -> str:
    """Return the place as anchors name it: never what a URL may hold besides."""
    try:
        place = urlsplit(sink)
        return f"{place.scheme}:{place.hostname or ''}"
    except ValueError:
        return sink.partition(":")[0] + ":"
