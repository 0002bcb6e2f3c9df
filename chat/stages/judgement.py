"""What an actor may run and see now: asked before running, and at every reading."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal as Number
from hashlib import sha256
from typing import Final, NamedTuple

from chat.constants import PII_PERMISSION, STEP_UP_VALID_FOR
from chat.datasets.definitions import Classification, ColumnType, DatasetSpec
from chat.datasets.rewriter import Condition, DatasetView, MaskedLayer
from chat.models import QueryKind
from chat.selectors.catalogue import Entry, find_entries
from chat.stages.types import Release
from chatsec.core.context import Actor, AttributeValue
from rbac.policy import DataScope, Decision, Kind, Reason, SqlCondition
from rbac.policy.masks import PLAIN
from rbac.services import data_scope, decide, prefetch_object_permissions
from rbac.services.object_reads import (
    data_scope_where_given,
    decide_where_given,
    was_given,
)

# Given on one query, it stands for that query's own permission there.
RUN_QUERY: Final = "chat.run_querydefinition"
# Parameters that are told from the session, never by the question.
CALLER: Final = "caller_"

NOT_FRESH: Final = Reason(
    "sign_in_not_fresh", "an app gets this only just after its user signed in for it"
)

# Slots that conditions know by another name.
CONTEXT_OF_SLOTS: Final = {"amount": "discount_amount"}
KINDS: Final[Mapping[ColumnType, Kind | None]] = {
    ColumnType.INTEGER: Kind.NUMBER,
    ColumnType.NUMERIC: Kind.NUMBER,
    ColumnType.TEXT: Kind.TEXT,
    ColumnType.BOOLEAN: Kind.BOOLEAN,
    # A date names no moment: conditions cannot compare it.
    ColumnType.DATE: None,
}


@dataclass(frozen=True)
class Judgement:
    """The decision on a query, with the rows and columns that it covers."""

    decision: Decision
    views: Mapping[str, DatasetView]
    release: Release
    needs_step_up: bool

    @property
    def is_allowed(self) -> bool:
        """Whether the actor may run it, once he shows a factor if one is needed."""
        return self.decision.outcome in ("allow", "step_up")


def judge(
    actor: Actor,
    entry: Entry,
    *,
    now: datetime,
    context: Mapping[str, AttributeValue] | None = None,
) -> Judgement:
    """Decide on the query for the actor; an entry with an empty field is denied."""
    rules = _rules(actor, entry)
    decision = _decision(actor, entry, rules, context)
    if decision.outcome != "deny" and _needs_sign_in(actor, entry, now):
        decision = replace(decision, outcome="deny", reasons=(NOT_FRESH,))
    if decision.outcome == "deny":
        return Judgement(decision, {}, Release(0, "", {}), needs_step_up=False)
    views = _views(actor, entry, decision.permission, _Asked(rules, context))
    release = Release(entry.query.version, decision.permission, _cells(views))
    stepped_up = actor.stepped_up_within(STEP_UP_VALID_FOR, now=now)
    asked = entry.query.requires_mfa or decision.outcome == "step_up"
    return Judgement(decision, views, release, needs_step_up=asked and not stepped_up)


def _needs_sign_in(actor: Actor, entry: Entry, now: datetime) -> bool:
    """Whether a connected app asks for what it gets only while its user is there.

    Its session lives for months, on a phone or with a voice assistant.
    """
    is_sensitive = entry.query.pii or entry.query.requires_mfa
    if not (actor.is_connected_app and is_sensitive):
        return False
    return not actor.signed_in_within(STEP_UP_VALID_FOR, now=now)


def may_run(actor: Actor, entry: Entry) -> bool:
    """Whether the query can be offered to the actor."""
    decision = _decision(actor, entry, _rules(actor, entry), None)
    return decision.outcome in ("allow", "step_up")


def list_runnable(actor: Actor) -> list[Entry]:
    """Return the queries that the actor may run, by key."""
    known: dict[tuple[str, ...], bool] = {}
    found = []
    entries = sorted(find_entries().values(), key=lambda entry: entry.key)
    prefetch_given(actor, entries)
    for entry in entries:
        if entry.query.missing_fields:
            continue
        if _rules(actor, entry) is AS_GIVEN:
            runnable = may_run(actor, entry)
        # Many queries share a permission: it is asked about once.
        elif entry.permissions in known:
            runnable = known[entry.permissions]
        else:
            runnable = known[entry.permissions] = may_run(actor, entry)
        if runnable:
            found.append(entry)
    return found


def is_about_caller(entry: Entry) -> bool:
    """Whether its answer depends on who asks, besides what he may see."""
    if entry.query.kind == QueryKind.OWN_DATA:
        return True
    if entry.query.kind != QueryKind.SQL:
        return False
    return any(name.startswith(CALLER) for name in entry.checked().parameters)


def prefetch_given(actor: Actor, entries: Iterable[Entry]) -> None:
    """Read once which of these queries were given to the actor one by one."""
    prefetch_object_permissions(actor.person, [entry.query for entry in entries])


def context_of(slots: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return what conditions may know of the question itself."""
    return {
        name: Number(str(slots[slot]))
        for slot, name in CONTEXT_OF_SLOTS.items()
        if isinstance(slots.get(slot), (int, float))
    }


def covers(present: Release, kept: Mapping[str, object]) -> bool:
    """Whether what is allowed now shows at least all that was released then."""
    cells = kept.get("cells")
    if kept.get("version") != present.version or not isinstance(cells, dict):
        return False
    return all(
        _is_covered(present.cells.get(name), columns) for name, columns in cells.items()
    )


def _is_covered(now: Mapping[str, str] | None, then: object) -> bool:
    if now is None or not isinstance(then, dict):
        return False
    return all(now.get(column) in ("", digest) for column, digest in then.items())


class _Rules(NamedTuple):
    """How a query's own permission is decided: by roles, or as given on the query."""

    decide: Callable[..., Decision]
    scope: Callable[..., DataScope]


BY_ROLES: Final = _Rules(decide, data_scope)
AS_GIVEN: Final = _Rules(decide_where_given, data_scope_where_given)


class _Asked(NamedTuple):
    """By which rules, and what conditions may know of the question."""

    rules: _Rules
    context: Mapping[str, AttributeValue] | None


def _rules(actor: Actor, entry: Entry) -> _Rules:
    return AS_GIVEN if was_given(actor, RUN_QUERY, entry.query) else BY_ROLES


def _decision(
    actor: Actor,
    entry: Entry,
    rules: _Rules,
    context: Mapping[str, AttributeValue] | None,
) -> Decision:
    """Return the decision on the plain permission, else on its aggregate form."""
    first = rules.decide(actor, entry.permissions[0], context=context)
    if missing := entry.query.missing_fields:
        return replace(first, outcome="deny", reasons=_incomplete(first, missing))
    if first.outcome != "deny":
        return first
    for code in entry.permissions[1:]:
        other = decide(actor, code, context=context)
        if other.outcome != "deny":
            return other
    return first


def _incomplete(decision: Decision, missing: tuple[str, ...]) -> tuple[Reason, ...]:
    text = f"the catalogue entry lacks: {', '.join(missing)}"
    return (Reason("no_grant", text), *decision.reasons)


def _views(
    actor: Actor,
    entry: Entry,
    permission: str,
    asked: _Asked,
) -> dict[str, DatasetView]:
    if entry.query.kind != QueryKind.SQL:
        return {}
    rules = asked.rules if permission == entry.permissions[0] else BY_ROLES
    scope = rules.scope(actor, permission, context=asked.context)
    used = entry.checked().datasets.values()
    personal = any(
        column.classification is Classification.PII
        for spec in used
        for column in spec.columns
    )
    sees_pii = personal and _sees_pii(actor, entry, asked.context)
    return {spec.name: _view(scope, spec, hidden=_pii(spec, sees_pii)) for spec in used}


def _sees_pii(
    actor: Actor, entry: Entry, context: Mapping[str, AttributeValue] | None
) -> bool:
    """Personal data needs a query that is declared so, and a permission of its own."""
    if not entry.query.pii:
        return False
    return decide(actor, PII_PERMISSION, context=context).outcome != "deny"


def _pii(spec: DatasetSpec, sees_pii: object) -> frozenset[str]:
    if sees_pii:
        return frozenset()
    return frozenset(
        column.name
        for column in spec.columns
        if column.classification is Classification.PII
    )


def _view(
    scope: DataScope, spec: DatasetSpec, *, hidden: frozenset[str]
) -> DatasetView:
    """Return the rows of which anything is visible, and where each column is."""
    kinds = {column.name: KINDS[column.type] for column in spec.columns}
    open_to = [name for name in spec.by_name if name not in hidden]
    where = scope.to_sql(kinds, prefix=f"scope_{spec.name}", shown=open_to)
    columns: dict[str, Condition | None] = {}
    masked: dict[str, tuple[MaskedLayer, ...]] = {}
    for name in open_to:
        layers = _layers(scope, spec, name)
        if len(layers) == 1 and layers[0].mask == PLAIN:
            columns[name] = layers[0].where
        elif layers:
            masked[name] = layers
    return DatasetView(_condition(where), columns, masked)


def _layers(scope: DataScope, spec: DatasetSpec, name: str) -> tuple[MaskedLayer, ...]:
    """Return how a column is shown, no layer wider than the dataset itself allows."""
    kinds = {column.name: KINDS[column.type] for column in spec.columns}
    prefix = f"cell_{spec.name}_{name}"
    found = scope.layers(name, kinds, prefix=prefix, limit=spec.by_name[name].limited)
    return tuple(MaskedLayer(one.mask, _condition(one.condition)) for one in found)


def _condition(found: SqlCondition) -> Condition | None:
    return None if found.sql == "TRUE" else Condition(found.sql, found.params)


def _cells(views: Mapping[str, DatasetView]) -> dict[str, dict[str, str]]:
    return {
        name: {
            **{
                column: _digest(view.rows, condition)
                for column, condition in view.columns.items()
            },
            **{
                column: _masked_digest(view.rows, layers)
                for column, layers in view.masked.items()
            },
        }
        for name, view in views.items()
    }


def _masked_digest(rows: Condition | None, layers: tuple[MaskedLayer, ...]) -> str:
    told = [[str(layer.mask), _digest(rows, layer.where)] for layer in layers]
    return sha256(json.dumps(told).encode()).hexdigest()


def _digest(rows: Condition | None, column: Condition | None) -> str:
    """Return "" for every row, else a digest of the filter and its values."""
    conditions = [one for one in (rows, column) if one is not None]
    if not conditions:
        return ""
    told = [
        [one.sql, sorted((name, repr(value)) for name, value in one.parameters.items())]
        for one in conditions
    ]
    return sha256(json.dumps(told).encode()).hexdigest()
