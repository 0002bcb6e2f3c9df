"""Deleting many rows without one long transaction."""

from __future__ import annotations

from django.db.models import Model, QuerySet

BATCH = 1000


def delete_in_batches(rows: QuerySet[Model], *, size: int = BATCH) -> int:
    """Delete `rows` by forward-moving batches; return how many rows of theirs went.

    The cursor only moves on: starting over each time would walk the dead index entries
    of all batches before.
    """
    rows = rows.order_by("pk")
    deleted = 0
    ids = list(rows.values_list("pk", flat=True)[:size])
    while ids:
        rows.model._base_manager.filter(pk__in=ids).delete()  # noqa: SLF001 - documented model API
        deleted += len(ids)
        following = rows.filter(pk__gt=ids[-1])
        ids = list(following.values_list("pk", flat=True)[:size])
    return deleted
