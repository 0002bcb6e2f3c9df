"""Publishes the demo's catalogue and knowledge base; what is there already stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.db import transaction

import chat.interpretation
from chat.constants import ANSWERING_PURPOSE
from chat.datasets.sources import parse_source_url
from chat.models import (
    PUBLIC_ANSWERS,
    Article,
    Dataset,
    DataSource,
    QueryDefinition,
)
from chat.services.catalogue import save_dataset, save_query, save_source
from chatsec.core.context import SYSTEM
from chatsec.demo.datasets import DATASETS
from chatsec.demo.queries import DemoQuery, demo_articles, demo_queries

SOURCE = "business"


def seed_catalogue(business_url: str | None = None) -> int:
    """Publish what is missing of the demo catalogue; return how many queries are new.

    Entries that an administrator has changed keep his changes. The URL of the data
    source follows the installation.
    """
    url = business_url or settings.BUSINESS_DATABASE_URL
    with transaction.atomic():
        source = _source(url)
        datasets = _datasets(source)
        _articles()
        known = set(QueryDefinition.objects.values_list("key", flat=True))
        missing = [query for query in demo_queries() if query.key not in known]
        examples = _examples()
        for query in missing:
            _publish(query, datasets, examples)
    return len(missing)


def _source(url: str) -> DataSource:
    source = DataSource.objects.select_for_update().filter(name=SOURCE).first()
    if source is not None and source.open_url() == parse_source_url(url):
        return source
    return save_source(SYSTEM, source or DataSource(name=SOURCE), url=url)


def _datasets(source: DataSource) -> dict[str, Dataset]:
    known = {dataset.name: dataset for dataset in Dataset.objects.all()}
    for demo in DATASETS:
        if demo.name not in known:
            dataset = Dataset(
                name=demo.name,
                source=source,
                relation=demo.name,
                columns=demo.declared(),
                person_column=demo.person_column,
            )
            known[demo.name] = save_dataset(SYSTEM, dataset)
    return known


def _publish(
    demo: DemoQuery,
    datasets: Mapping[str, Dataset],
    examples: Mapping[str, list[str]],
) -> None:
    used = [dataset for name, dataset in datasets.items() if _names(demo.sql, name)]
    query = QueryDefinition(
        key=demo.key,
        title=demo.title,
        resource_type=demo.resource_type,
        kind=demo.kind,
        examples=examples.get(demo.key, []),
        parameters=demo.parameters(),
        sql=demo.sql,
        permission=demo.permission,
        aggregate_only=demo.aggregate_only,
        pii=demo.pii,
        requires_mfa=demo.requires_mfa,
        data_classification=demo.classification,
        audit_log=demo.audit_log,
        purposes=[ANSWERING_PURPOSE],
        max_rows=demo.max_rows,
    )
    save_query(SYSTEM, query, datasets=used)


def _names(sql: str, dataset: str) -> bool:
    words = sql.split()
    return any(
        word == "FROM" and following.strip(",()") == dataset
        for word, following in pairwise(words)
    )


def _examples() -> dict[str, list[str]]:
    folder = Path(chat.interpretation.__file__).parent
    shipped = json.loads((folder / "catalogue_examples.json").read_text())
    return {key: list(entry["examples"]) for key, entry in shipped.items()}


def _articles() -> None:
    for article in demo_articles():
        Article.objects.get_or_create(
            slug=article.slug,
            defaults={
                "title": article.title,
                "body": article.body,
                "permission": "read_public_faq",
                "collection_id": PUBLIC_ANSWERS,
            },
        )
