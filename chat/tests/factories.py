"""The demo catalogue for tests: published once in earnest, then copied row by row."""

from __future__ import annotations

from django.db.models import Model

from chat.models import Article, Dataset, DataSource, QueryDefinition
from chatsec.demo.catalogue import seed_catalogue

PUBLISHED: tuple[type[Model], ...] = (
    DataSource,
    Dataset,
    QueryDefinition,
    QueryDefinition.datasets.through,
    Article,
)
_rows: dict[str, list[tuple[type[Model], list[Model]]]] = {}


def publish_demo_catalogue(business_url: str) -> None:
    """Have the demo catalogue in the database; quick from the second time on."""
    if business_url not in _rows:
        seed_catalogue(business_url)
        _rows[business_url] = [
            (model, list(model._default_manager.all())) for model in PUBLISHED
        ]
        return
    for model, rows in _rows[business_url]:
        if model._meta.auto_created:
            # Numbered anew: the sequence of a fresh database knows none of the copies.
            for row in rows:
                row.pk = None
        model._default_manager.bulk_create(rows)
