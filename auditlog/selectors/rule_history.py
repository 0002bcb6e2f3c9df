"""What became of a detection rule: read from the events that its changes left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args
from uuid import UUID

from auditlog import events
from auditlog.constants import RULE_RESOURCE
from auditlog.models import Event
from auditlog.rules import FLOOR
from auditlog.selectors.filters import EventFilter
from auditlog.selectors.reading import read_events
from auditlog.shapes import Document, ReadEvent
from chatsec.core.errors import Json

ChangeKind = Literal[
    "created",
    "changed",
    "switched_on",
    "switched_off",
    "deleted",
    "exception_made",
    "exception_approved",
    "exception_ended",
]
CHANGE_KINDS: Final[tuple[ChangeKind, ...]] = get_args(ChangeKind)
_KINDS: Final[Mapping[str, ChangeKind]] = {
    events.RULE_CREATED.name: "created",
    events.RULE_CHANGED.name: "changed",
    events.RULE_DISABLED.name: "switched_off",
    events.RULE_DELETED.name: "deleted",
    events.EXCEPTION_MADE.name: "exception_made",
    events.EXCEPTION_APPROVED.name: "exception_approved",
    events.EXCEPTION_ENDED.name: "exception_ended",
}


class FieldChange(NamedTuple):
    """One field of a rule; None where there was, or is, nothing."""

    field: str
    old: Json
    new: Json
    # What the rule ships with, of the floor alone: no row can change what that says.
    shipped: Json = None


class Excepted(NamedTuple):
    """Whom an exception is about, as far as its event still opens."""

    id: str
    whom: str
    user_id: UUID | None
    name: str | None
    network: str | None
    expires_at: datetime | None


class RuleChange(NamedTuple):
    """One change of a rule, by whoever the event says, and what of it still opens."""

    read: ReadEvent
    kind: ChangeKind
    version: int | None
    fields: list[FieldChange]
    # Not of events from before old values were kept.
    has_old_values: bool
    # None where it does not open any more, '' where none was given.
    reason: str | None
    exception: Excepted | None
    # Who made the change was erased, and what it was about went with his key.
    is_erased: bool

    @property
    def label(self) -> str:
        """Return the kind in words."""
        return self.kind.replace("_", " ")


def changes_of(rule_id: UUID) -> EventFilter:
    """Return the search for every change of this rule: an index answers it."""
    return {
        "category": "audit",
        "resource": f"{RULE_RESOURCE}:{rule_id}",
        "event_types": tuple(_KINDS),
    }


def read_changes(found: Sequence[Event], *, rule: str = "") -> list[RuleChange]:
    """Return the changes opened, in a constant number of queries.

    `rule` is the name of the rule as it is now: of the floor it says what ships.
    """
    shipped = dict(_flat(_shipped(rule)))
    return [_change(read, shipped) for read in read_events(found)]


def _shipped(rule: str) -> Document:
    """Return what a rule of the floor says in the code, nothing of any other."""
    floor = FLOOR.get(rule)
    if floor is None:
        return {}
    return {
        "title": floor.title,
        "suspicion": floor.suspicion,
        "parameters": dict(floor.parameters),
        "window_seconds": int(floor.window.total_seconds()),
        "severity": floor.severity,
        "runbook": floor.runbook,
    }


def _change(read: ReadEvent, shipped: Document) -> RuleChange:
    details, kind = read.details, _KINDS[read.event.event_type]
    terms, before = _of(details, "terms"), _of(details, "before")
    if kind == "deleted":
        # What was deleted has only a past; its older events call that its terms.
        terms, before = {}, before or terms
    if kind == "changed" and terms.get("is_enabled") is True:
        kind = "switched_on"
    version = details.get("version")
    is_about_rule = not kind.startswith("exception")
    return RuleChange(
        read,
        kind,
        version=version if isinstance(version, int) else None,
        fields=_differences(before, terms, shipped),
        has_old_values="before" in details or kind in ("created", "deleted"),
        reason=_reason(read),
        exception=None if is_about_rule else _excepted(read),
        # No change says nothing: what is empty was sealed under a key that is gone.
        is_erased=not details,
    )


def _of(details: Document, name: str) -> Document:
    found = details.get(name)
    return found if isinstance(found, dict) else {}


def _differences(
    before: Document, terms: Document, shipped: Document
) -> list[FieldChange]:
    """Return what changed, each parameter for itself."""
    old, new = dict(_flat(before)), dict(_flat(terms))
    return [
        FieldChange(name, old.get(name), new.get(name), shipped.get(name))
        for name in {**new, **old}
        # Parameters are kept all together; of the rest, only what changed.
        if "." not in name or old.get(name) != new.get(name)
    ]


def _flat(terms: Document) -> Iterator[tuple[str, Json]]:
    for name, value in terms.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", inner) for key, inner in value.items())
        else:
            yield name, value


def _reason(read: ReadEvent) -> str | None:
    """Return why: of an exception about a person, it is under that person's key."""
    is_of_somebody = read.event.subject_pseudonym is not None
    where = read.subject_details if is_of_somebody else read.details
    found = where.get("reason")
    if found is None:
        return "" if where else None
    return str(found)


def _excepted(read: ReadEvent) -> Excepted:
    details = read.details
    network, until = details.get("network"), details.get("expires_at")
    # Of somebody who was erased before, the details alone say it.
    nobody = details.get("user_id")
    return Excepted(
        id=str(details.get("exception", "")),
        whom=str(details.get("whom", "")),
        user_id=read.event.subject_pseudonym or (UUID(str(nobody)) if nobody else None),
        name=read.subject_name,
        network=str(network) if network else None,
        expires_at=datetime.fromisoformat(str(until)) if until else None,
    )
