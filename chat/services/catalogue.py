"""Publishing the catalogue: every entry is held against the rules before it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import jsonschema
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from auditlog.services import Target, record
from chat import events
from chat.datasets.checker import ENUMERATED_SLOTS, CheckedQuery, check_query
from chat.datasets.definitions import Classification
from chat.datasets.errors import DefinitionRefused, QueryRefused
from chat.datasets.sources import parse_source_url
from chat.errors import CatalogueRefused
from chat.models import Dataset, DataSource, QueryDefinition, QueryKind
from chat.models.catalogue import DataClassification
from chat.selectors.catalogue import properties_of, spec_of
from chatsec.core.context import Actor
from chatsec.core.errors import Json, NotFound
from privacy.selectors import get_purpose
from rbac.selectors import list_codes

Problems = dict[str, list[str]]
Entry = TypeVar("Entry", DataSource, Dataset, QueryDefinition)
# What interpretation can find in a text.
SLOTS: Final = frozenset(
    {
        "quarter",
        "year",
        "month",
        "date_from",
        "date_to",
        "region",
        "department",
        "product",
        "person",
        "amount",
        "percent",
        "top_n",
        "sale_id",
        "note",
    }
)
CONFIDENTIAL: Final = frozenset(
    {DataClassification.CONFIDENTIAL, DataClassification.RESTRICTED}
)


def save_source(actor: Actor, source: DataSource, *, url: str) -> DataSource:
    """Keep the data source with its URL sealed; raise CatalogueRefused."""
    try:
        source.seal_url(parse_source_url(url))
    except DefinitionRefused as error:
        raise CatalogueRefused(fields={"url": [str(error)]}) from error
    return _saved(actor, source, "source")


def save_dataset(actor: Actor, dataset: Dataset) -> Dataset:
    """Keep the dataset; figures that its queries released are not shown any more."""
    if problems := dataset_problems(dataset):
        raise CatalogueRefused(fields=problems)
    with transaction.atomic():
        saved = _saved(actor, dataset, "dataset")
        saved.queries.update(version=F("version") + 1)
    return saved


def save_query(
    actor: Actor, query: QueryDefinition, *, datasets: Sequence[Dataset] | None = None
) -> QueryDefinition:
    """Keep the query as a new version; raise CatalogueRefused naming the fields.

    With `datasets`, these are what its SQL may name from now on.
    """
    used = list(query.datasets.all()) if datasets is None else datasets
    if problems := query_problems(query, used):
        raise CatalogueRefused(fields=problems)
    with transaction.atomic():
        known = QueryDefinition.objects.select_for_update().filter(id=query.id).first()
        query.version = known.version + 1 if known else 1
        saved = _saved(actor, query, "query")
        if datasets is not None:
            saved.datasets.set(datasets)
    return saved


def _saved(actor: Actor, row: Entry, kind: str) -> Entry:
    """Keep the row, valid by its fields, with the evidence of who changed it."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise CatalogueRefused(fields=error.message_dict) from error
    with transaction.atomic():
        row.save()
        record(
            events.CATALOGUE_CHANGED,
            actor=actor,
            target=Target(f"chat.{kind}", row.pk, label=str(row)),
        )
    return row


def dataset_problems(dataset: Dataset) -> Problems:
    """Return what is wrong with a dataset, by field."""
    try:
        spec_of(dataset)
    except DefinitionRefused as error:
        return {"columns": [str(error)]}
    return {}


def query_problems(query: QueryDefinition, datasets: Sequence[Dataset]) -> Problems:
    """Return what is wrong with a query, by field; nothing when it may be published."""
    problems: Problems = {}
    for name in query.missing_fields:
        problems[name] = ["An empty field denies the query to everybody. Fill it in."]
    _add(problems, "parameters", _schema_problem(query))
    _add(problems, "examples", _examples_problem(query.examples))
    _add(problems, "permission", _permission_problem(query))
    _add(problems, "purposes", _purposes_problem(query.purposes))
    if query.kind == QueryKind.SQL and query.sql and "parameters" not in problems:
        _add(problems, *_sql_problem(query, datasets))
    return problems


def _add(problems: Problems, field: str, problem: str) -> None:
    if problem:
        problems.setdefault(field, []).append(problem)


def _schema_problem(query: QueryDefinition) -> str:
    schema = query.parameters
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return f"This is not a JSON schema: {error.message}"
    if not schema:
        return ""
    names = set(properties_of(schema))
    if (
        schema.get("type") != "object"
        or schema.get("additionalProperties") is not False
    ):
        return "The schema is of type object and has additionalProperties: false."
    if unknown := names - SLOTS:
        return f"No text is ever understood as “{min(unknown)}”."
    if query.aggregate_only and (free := names - ENUMERATED_SLOTS):
        return f"An aggregate takes quarter, year, region, department; not {min(free)}."
    return ""


def _examples_problem(examples: Json) -> str:
    if isinstance(examples, list) and all(isinstance(one, str) for one in examples):
        return ""
    return "Examples are a list of sentences."


def _permission_problem(query: QueryDefinition) -> str:
    if not query.permission or query.permission in list_codes():
        return ""
    return "There is no such permission."


def _purposes_problem(purposes: Json) -> str:
    if not isinstance(purposes, list) or not all(isinstance(p, str) for p in purposes):
        return "Purposes are a list of keys."
    unknown = next((key for key in purposes if not _is_purpose(str(key))), None)
    return f"There is no purpose “{unknown}”." if unknown else ""


def _is_purpose(key: str) -> bool:
    try:
        get_purpose(key)
    except NotFound:
        return False
    return True


def _sql_problem(
    query: QueryDefinition, datasets: Sequence[Dataset]
) -> tuple[str, str]:
    if len({dataset.source_id for dataset in datasets}) != 1:
        return "datasets", "Choose the datasets that the SQL names, of one data source."
    try:
        specs = {dataset.name: spec_of(dataset) for dataset in datasets}
        checked = check_query(
            query.sql,
            datasets=specs,
            parameters=frozenset(properties_of(query.parameters)),
            aggregate_only="aggregate_only" if query.aggregate_only else "",
        )
    except (QueryRefused, DefinitionRefused) as error:
        return "sql", str(error)
    return _classification_problem(query, _classes(checked))


def _classes(checked: CheckedQuery) -> set[Classification]:
    """Return the classifications of every column that the query touches."""
    touched = set(checked.deciding)
    for output in checked.outputs:
        touched |= output.made_from
    return {
        checked.datasets[alias].by_name[column].classification
        for alias, column in touched
    }


def _classification_problem(
    query: QueryDefinition, classes: set[Classification]
) -> tuple[str, str]:
    if Classification.PII in classes and not query.pii:
        return "pii", "The SQL reads personal data: say so."
    is_confidential = query.data_classification in CONFIDENTIAL
    if Classification.CONFIDENTIAL in classes and not is_confidential:
        return "data_classification", "The SQL reads confidential columns."
    return "", ""
