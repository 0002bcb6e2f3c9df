"""What each kind of rule must and may be told: JSON Schema 2020-12, one per kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, cast

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from auditlog.constants import (
    ASPECTS,
    LONGEST_WINDOW,
    METRICS,
    OUTCOMES,
    SURPRISE_SPANS,
    Aspect,
    RuleKind,
)
from auditlog.registry import event_types
from auditlog.rules.definition import RuleSpec
from chatsec.core.errors import Json

Schema = dict[str, Json]
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

# The clear columns whose values can be told apart.
VALUES: Final = ("resource", "actor", "subject", "network", "device", "country", "ip")
# What each measure of somebody's activity is taken from.
METRIC_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "queries": ("chatbot_query",),
    "records": ("data_access",),
    "resources": ("data_access",),
    "denials": ("authorization_denied",),
    "failures": ("accounts.sign_in_failed", "accounts.second_factor_failed"),
}
# What surprise in each aspect is taken from.
ASPECT_EVENTS: Final[Mapping[Aspect, tuple[str, ...]]] = {
    "reads": ("data_access",),
    "refusals": ("authorization_denied", "chat.message_blocked"),
    "hours": ("chatbot_query",),
    # Whatever somebody does.
    "acts": (),
}
PLACES: Final = ("device", "network", "country")
ORIGINS: Final = ("unknown", "not_own", "own")
KINDS_OF_ACTOR: Final = ("user", "service")
# What shows that somebody may be where he is: whoever does these is signed in.
PLACE_EVENTS: Final = (
    "accounts.signed_in",
    "chatbot_query",
    "data_access",
    "authorization_denied",
)
# Findings of these compare with one person's past.
OF_A_PERSON: Final[frozenset[str]] = frozenset(
    {"new_value", "baseline", "off_hours", "drift", "dormant", "surprise", "risk"}
)

_EVENTS: Final[Schema] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 100},
    "minItems": 1,
    "maxItems": 20,
    "uniqueItems": True,
}
_OUTCOME: Final[Schema] = {"enum": list(OUTCOMES)}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 10_000_000}
_LIMIT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 10_000_000}
_DAYS: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 90}
_METRIC: Final[Schema] = {"enum": list(METRICS)}
_SPREADS: Final[Schema] = {"type": "number", "minimum": 0.5, "maximum": 50}
# unknown: used in 30 days neither by the person nor by three others; not_own: not by
# the person; own: by the person. After so many hours of use it counts as used.
_SOME: Final[Mapping[str, Json]] = {
    "events": _EVENTS,
    "outcome": _OUTCOME,
    "actor_kind": {"enum": list(KINDS_OF_ACTOR)},
    "origin": {"enum": list(ORIGINS)},
    "settled": {"type": "boolean"},
    "settles_after_hours": {"type": "integer", "minimum": 0, "maximum": 168},
    "after_other_network_within": {"type": "integer", "minimum": 1, "maximum": 86400},
}
_STEP: Final[Schema] = {
    "type": "object",
    "properties": {
        **_SOME,
        "by": {"enum": ["actor", "subject", "network"]},
        "at_least": _COUNT,
        "distinct": {"enum": list(VALUES)},
        "sum": {"enum": ["result_count"]},
    },
    "required": ["events", "by"],
    "additionalProperties": False,
}
_SOME_OF: Final[Schema] = {"type": "array", "minItems": 1, "uniqueItems": True}


# To JSON Schema 3.0 is a whole number, to a count of days in SQL it is not.
_VALIDATOR: Final = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    ),
)


def _object(required: tuple[str, ...], **properties: Json) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


SCHEMAS: Final[Mapping[RuleKind, Schema]] = {
    "event_count": _object(
        ("events", "more_than"),
        **_SOME,
        more_than=_LIMIT,
        yields_to_declared={"type": "boolean"},
    ),
    "value_count": _object(
        ("events", "value", "more_than"),
        **_SOME,
        value={"enum": list(VALUES)},
        more_than=_LIMIT,
        in_one_session={"type": "boolean"},
        events_at_least=_COUNT,
        events_each_at_most=_COUNT,
        networks_at_least=_COUNT,
        times_usual_day={"type": "number", "minimum": 0.1, "maximum": 100},
    ),
    "value_sum": _object(
        ("events", "more_than"),
        **_SOME,
        more_than=_LIMIT,
        yields_to_declared={"type": "boolean"},
    ),
    "temporal_ordered": _object(("first", "then"), first=_STEP, then=_STEP),
    "new_value": _object(
        ("events", "value", "days"),
        **_SOME,
        value={"enum": list(PLACES)},
        days=_DAYS,
        after_events={"type": "integer", "minimum": 1, "maximum": 1000},
    ),
    "baseline": _object(
        ("metric", "spreads", "at_least"),
        metric=_METRIC,
        spreads=_SPREADS,
        at_least=_COUNT,
    ),
    "off_hours": _object(
        ("events", "share", "at_least"),
        **_SOME,
        share={"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
        at_least=_COUNT,
        after_hours={"type": "integer", "minimum": 5, "maximum": 1000},
    ),
    "drift": _object(
        ("metric", "days", "slack", "threshold", "at_least"),
        metric=_METRIC,
        days={"type": "integer", "minimum": 2, "maximum": 28},
        slack={"type": "number", "minimum": 0, "maximum": 5},
        threshold=_SPREADS,
        at_least=_COUNT,
    ),
    "dormant": _object(
        ("events", "days", "at_least"),
        **_SOME,
        days=_DAYS,
        at_least=_COUNT,
        sum={"enum": ["result_count"]},
    ),
    "surprise": _object(
        ("of", "days", "bits"),
        of={**_SOME_OF, "items": {"enum": list(ASPECTS)}},
        days={**_SOME_OF, "items": {"enum": list(SURPRISE_SPANS)}},
        # What fewer exceed than 1 day in 50 is measured; of the others nothing is said.
        bits={"type": "number", "minimum": 6, "maximum": 100},
    ),
    "risk": _object(("at_least",), at_least={**_COUNT, "maximum": 1000}),
}


def schema_of(kind: RuleKind) -> Schema:
    """Return what a rule of this kind is told, as JSON Schema."""
    return SCHEMAS[kind]


def find_problems(spec: RuleSpec) -> dict[str, list[str]]:
    """Return what is wrong, by the form's field; {} if the rule can run."""
    errors = _VALIDATOR(SCHEMAS[spec.kind]).iter_errors(dict(spec.parameters))
    texts = [_sentence(error) for error in errors] or _unknown_events(spec)
    found = {"parameters": texts} if texts else {}
    is_of_people = spec.group in ("actor", "subject")
    if not is_of_people and (spec.kind in OF_A_PERSON or spec.risk):
        found["group"] = ["What compares or adds up people groups by actor or subject."]
    if spec.kind == "temporal_ordered" and not texts and _is_mixed(spec):
        found["group"] = ["Both steps and the rule are by network, or none is."]
    if spec.kind == "baseline" and spec.window not in (HOUR, DAY):
        found["window_seconds"] = ["A baseline is of an hour (3600) or a day (86400)."]
    if not SECOND <= spec.window <= LONGEST_WINDOW:
        found["window_seconds"] = ["Between a second and 90 days."]
    if "times_usual_day" in spec.parameters and not _is_of_strangers(spec):
        found["parameters"] = ["times_usual_day: over everyone, from unknown origin."]
    if spec.kind == "risk" and spec.risk:
        found["risk"] = ["What adds up the risk does not add to it."]
    return found


def events_of(spec: RuleSpec) -> tuple[str, ...]:
    """Return the events that the rule looks at; none where it looks at other rules."""
    if "metric" in spec.parameters:
        return METRIC_EVENTS.get(str(spec.parameters["metric"]), ())
    if spec.kind == "surprise":
        return tuple(
            event
            for aspect in cast("list[Aspect]", spec.parameters["of"])
            for event in ASPECT_EVENTS.get(aspect, ())
        )
    told: list[Json] = [dict(spec.parameters)]
    told += [spec.parameters[s] for s in ("first", "then") if s in spec.parameters]
    names: list[str] = []
    for one in told:
        listed = one.get("events", []) if isinstance(one, dict) else []
        names += [str(name) for name in listed] if isinstance(listed, list) else []
    return tuple(names)


def _is_mixed(spec: RuleSpec) -> bool:
    """Whether networks would be compared with people."""
    steps = (spec.parameters["first"], spec.parameters["then"])
    by = {str(step.get("by")) for step in steps if isinstance(step, dict)}
    of_networks = {name == "network" for name in (*by, spec.group)}
    return len(of_networks) > 1 or spec.group == "everyone"


def _is_of_strangers(spec: RuleSpec) -> bool:
    """Whether the rule counts what an ordinary day is known of."""
    told = spec.parameters
    is_unknown = told.get("origin") == "unknown"
    counts = told.get("value") in ("subject", "network")
    return spec.group == "everyone" and is_unknown and counts


def _sentence(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    return f"{where}: {error.message}" if where else error.message


def _unknown_events(spec: RuleSpec) -> list[str]:
    known = event_types()
    return [
        f"events: {name} is no event." for name in events_of(spec) if name not in known
    ]
