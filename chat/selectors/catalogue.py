"""Reads of the catalogue, parsed and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from chat.constants import AGGREGATE_SUFFIX
from chat.datasets.checker import CheckedQuery, check_query
from chat.datasets.definitions import DatasetSpec
from chat.datasets.errors import QueryRefused
from chat.models import Dataset, DataSource, QueryDefinition, QueryKind
from chatsec.core.errors import Json, NotFound


@dataclass(frozen=True)
class Entry:
    """One entry of the catalogue with the datasets that its SQL may name."""

    query: QueryDefinition
    datasets: Mapping[str, DatasetSpec]
    source: DataSource | None

    @property
    def key(self) -> str:
        """Return the query's key."""
        return self.query.key

    @property
    def properties(self) -> Mapping[str, Mapping[str, Json]]:
        """Return the slots that the query takes, each with its JSON schema."""
        return properties_of(self.query.parameters)

    @property
    def required_slots(self) -> tuple[str, ...]:
        """Return the slots without which the query cannot run."""
        required = self.query.parameters.get("required", [])
        return tuple(str(name) for name in required)

    @property
    def permissions(self) -> tuple[str, ...]:
        """Return the permissions that allow the query, the plain one first."""
        code = self.query.permission
        if self.query.aggregate_only:
            return code, f"{code}{AGGREGATE_SUFFIX}"
        return (code,)

    def checked(self) -> CheckedQuery:
        """Return the checked SQL; raise QueryRefused if the entry is not sound."""
        if self.query.kind != QueryKind.SQL:
            raise QueryRefused("This query has no SQL.")
        return _checked(
            self.query.sql,
            tuple(self.datasets.values()),
            frozenset(self.properties),
            "aggregate_only" if self.query.aggregate_only else "",
        )


def properties_of(schema: Mapping[str, Json]) -> Mapping[str, Mapping[str, Json]]:
    """Return the properties of a JSON schema that are objects."""
    found = schema.get("properties", {})
    if not isinstance(found, dict):
        return {}
    return {name: rule for name, rule in found.items() if isinstance(rule, dict)}


@lru_cache(maxsize=512)
def _checked(
    sql: str,
    datasets: tuple[DatasetSpec, ...],
    parameters: frozenset[str],
    aggregate_only: str,
) -> CheckedQuery:
    return check_query(
        sql,
        datasets={spec.name: spec for spec in datasets},
        parameters=parameters,
        aggregate_only=aggregate_only,
    )


def find_entry(key: str) -> Entry | None:
    """Return the enabled query of this key, or None."""
    return find_entries([key]).get(key)


def find_entries(keys: Iterable[str] | None = None) -> dict[str, Entry]:
    """Return enabled queries by key, in two statements however many there are."""
    rows = QueryDefinition.objects.filter(enabled=True).prefetch_related(
        "datasets__source"
    )
    if keys is not None:
        rows = rows.filter(key__in=set(keys))
    return {query.key: entry_of(query) for query in rows}


def entry_of(query: QueryDefinition) -> Entry:
    """Return the query with what its SQL may name."""
    datasets = list(query.datasets.all())
    source = datasets[0].source if datasets else None
    return Entry(query, {one.name: spec_of(one) for one in datasets}, source)


def grid_of(entry: Entry) -> tuple[str, ...]:
    """Return the columns by which any aggregate cuts the relation of this one.

    In units of these every group of every such query is a whole number of units, so
    that answers of different queries can be held against each other.
    """
    (spec,) = entry.checked().datasets.values()
    others = QueryDefinition.objects.filter(
        aggregate_only=True,
        datasets__source=entry.source,
        datasets__relation=spec.relation,
    ).prefetch_related("datasets__source")
    found: set[str] = set()
    for other in [entry, *map(entry_of, others)]:
        found |= _cut_by(other)
    return tuple(sorted(found & spec.names))


def _cut_by(entry: Entry) -> set[str]:
    try:
        return {column for _, column in entry.checked().choosing}
    except QueryRefused:  # not sound, so it is never run
        return set()


def get_query(key: str) -> QueryDefinition:
    """Return the query of this key; raise NotFound."""
    found = QueryDefinition.objects.filter(key=key).first()
    if found is None:
        raise NotFound("There is no such query.")
    return found


def spec_of(dataset: Dataset) -> DatasetSpec:
    """Return what the SQL may know of a dataset; raise DefinitionRefused."""
    return DatasetSpec.of(
        dataset.name,
        relation=dataset.relation,
        columns=dataset.columns,
        person_column=dataset.person_column,
    )
