"""Fragments that all statements share. Values are always bound, never put in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from django.conf import settings
from psycopg2.sql import SQL

from auditlog.constants import Metric, RuleGroup
from auditlog.registry import event_types
from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.parameters import METRIC_EVENTS
from auditlog.rules.statements.origin import where_from
from chatsec.core.errors import Json

# What psycopg2 binds, by name.
Bound = dict[str, Any]
Composable = Any  # psycopg2.sql is untyped

NOTHING: Final = SQL("")
KEYS: Final[Mapping[RuleGroup, Composable]] = {
    "actor": SQL("actor_pseudonym"),
    "subject": SQL("subject_pseudonym"),
    "network": SQL("network_hash"),
    "everyone": SQL("0"),
}
# NULL and '' are unknown, which is no value.
VALUES: Final[Mapping[str, Composable]] = {
    "resource": SQL("nullif(resource_type || '/' || resource_id, '/')"),
    "actor": SQL("actor_pseudonym"),
    "subject": SQL("subject_pseudonym"),
    "network": SQL("network_hash"),
    "device": SQL("device_hash"),
    "country": SQL("nullif(country, '')"),
    "ip": SQL("ip_hash"),
}
ANY_TIME: Final = SQL("%(until)s::timestamptz")
WINDOW: Final = SQL("make_interval(secs => %(window)s)")


class Source(NamedTuple):
    """The events that a measure of somebody's activity is taken from."""

    events: tuple[str, ...]
    group: RuleGroup
    x: Composable


ONE: Final = SQL("1")
RECORDS: Final = SQL("coalesce(result_count, 0)")
METRICS: Final[Mapping[Metric, Source]] = {
    "queries": Source(METRIC_EVENTS["queries"], "actor", ONE),
    "records": Source(METRIC_EVENTS["records"], "actor", RECORDS),
    "resources": Source(METRIC_EVENTS["resources"], "actor", ONE),
    "denials": Source(METRIC_EVENTS["denials"], "actor", ONE),
    "failures": Source(METRIC_EVENTS["failures"], "subject", ONE),
}


class Statement(NamedTuple):
    """What to execute, and what to bind."""

    text: Composable
    bound: Bound


class Turn(NamedTuple):
    """All pseudonyms from the first to the last."""

    first: UUID
    last: UUID


@dataclass(frozen=True, slots=True)
class Exempt:
    """Whose events a rule does not count, and who has a limit of his own."""

    people: tuple[UUID, ...] = ()
    kinds: tuple[str, ...] = ()
    networks: tuple[bytes, ...] = ()
    declared: Mapping[UUID, int] = field(default_factory=dict)
    # Nobody else can be found: where it is known, the others' events are not read.
    among: tuple[UUID | bytes, ...] | None = None
    # Whose turn it is, where not everybody is asked of at once.
    turns: tuple[Turn, ...] | None = None


def span_of(spec: RuleSpec, span: Span, exempt: Exempt) -> Bound:
    """Return what every statement binds: it reads one window before the span."""
    return {
        "since": span.since - spec.window,
        "fire_from": span.since,
        "until": span.until,
        "window": spec.window.total_seconds(),
        "zone": settings.CHATSEC_TIME_ZONE,
        "exempt_people": [str(person) for person in exempt.people],
        "exempt_kinds": list(exempt.kinds),
        "exempt_networks": list(exempt.networks),
        "among": _bindable(exempt.among),
    }


def match(
    told: Mapping[str, Json], group: RuleGroup, bound: Bound, *, step: str = ""
) -> Composable:
    """Return the condition for the events; bind its values under the step's names.

    What the system did is no behaviour: alerts and what follows from them never count.
    """
    names = cast("list[str]", told["events"])
    bound[f"{step}types"] = names
    bound[f"{step}categories"] = categories_of(names)
    bound[f"{step}outcome"] = told.get("outcome", "")
    return SQL(
        "category = ANY(%({step}categories)s) AND event_type = ANY(%({step}types)s)"
        " AND occurred_at BETWEEN %(since)s AND %(until)s AND actor_kind <> 'system'"
        " AND {key} IS NOT NULL{outcome}{kind}{origin}{exempt}{among}"
    ).format(
        step=SQL(step),
        key=KEYS[group],
        outcome=_outcome(step, bound),
        kind=_kind(told, step, bound),
        origin=where_from(told, bound, step=step),
        exempt=exemptions(group, bound),
        among=_among(group, bound),
    )


def exemptions(group: RuleGroup, bound: Bound) -> Composable:
    """Return the conditions that leave the exempt out, as far as there are any."""
    person = KEYS["subject" if group == "subject" else "actor"]
    parts = []
    if bound.get("exempt_people"):
        parts.append(
            SQL(
                " AND coalesce({person} <> ALL(%(exempt_people)s::uuid[]), true)"
            ).format(person=person)
        )
    if bound.get("exempt_kinds"):
        parts.append(SQL(" AND actor_kind <> ALL(%(exempt_kinds)s)"))
    if bound.get("exempt_networks"):
        parts.append(
            SQL(
                " AND coalesce(network_hash <> ALL(%(exempt_networks)s::bytea[]), true)"
            )
        )
    return SQL("").join(parts)


def in_turn(turns: Iterable[Turn] | None, bound: Bound) -> Composable:
    """Return the condition on whose turn it is; bind its values."""
    if turns is None:
        return NOTHING
    parts = []
    for number, turn in enumerate(turns):
        first, last = f"turn_{number}_first", f"turn_{number}_last"
        bound[first], bound[last] = str(turn.first), str(turn.last)
        part = SQL("actor_pseudonym BETWEEN %({first})s::uuid AND %({last})s::uuid")
        parts.append(part.format(first=SQL(first), last=SQL(last)))
    return SQL(" AND ({})").format(SQL(" OR ").join(parts))


def categories_of(names: Iterable[str]) -> list[str]:
    """Return the partitions in which events of these names are."""
    known = event_types()
    return sorted({known[name].category for name in names if name in known})


def class_of(at: str) -> Composable:
    """Return which part of the week a column's moment is in."""
    return SQL(
        "CASE WHEN extract(isodow FROM {at} AT TIME ZONE %(zone)s) > 5 THEN 'weekend'"
        " WHEN extract(hour FROM {at} AT TIME ZONE %(zone)s) BETWEEN 8 AND 17"
        " THEN 'work'"
        " WHEN extract(hour FROM {at} AT TIME ZONE %(zone)s) BETWEEN 6 AND 22"
        " THEN 'evening' ELSE 'night' END"
    ).format(at=SQL(at))


def _kind(told: Mapping[str, Json], step: str, bound: Bound) -> Composable:
    if "actor_kind" not in told:
        return NOTHING
    bound[f"{step}kind"] = told["actor_kind"]
    return SQL(" AND actor_kind = %({step}kind)s").format(step=SQL(step))


def _bindable(keys: tuple[UUID | bytes, ...] | None) -> list[str | bytes] | None:
    if keys is None:
        return None
    return [key if isinstance(key, bytes) else str(key) for key in keys]


def _among(group: RuleGroup, bound: Bound) -> Composable:
    if bound.get("among") is None or group == "everyone":
        return NOTHING
    if group == "network":
        return SQL(" AND network_hash = ANY(%(among)s::bytea[])")
    return SQL(" AND {key} = ANY(%(among)s::uuid[])").format(key=KEYS[group])


def _outcome(step: str, bound: Bound) -> Composable:
    if not bound[f"{step}outcome"]:
        return NOTHING
    return SQL(" AND outcome = %({step}outcome)s").format(step=SQL(step))
