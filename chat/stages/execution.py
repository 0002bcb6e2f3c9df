"""Execute and release: fetch within the actor's views, then hold back small groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chat.constants import SMALLEST_GROUP
from chat.datasets.checker import COUNTED_PERSONS
from chat.datasets.sources import Fetched, run, sources
from chat.models import QueryKind
from chat.selectors.knowledge import search_articles
from chat.stages.types import AuthorizedPlan, Cells, FetchedRows, ReleasedRows
from chatsec.core.errors import JsonScalar
from privacy.selectors import Holding, list_holdings

MAX_RESOURCE_IDS: Final = 500
OWN_DATA_COLUMNS: Final = ("what", "purposes", "kept")


def execute(authorized: AuthorizedPlan) -> FetchedRows:
    """Fetch what the authorized plan may show; nothing is written anywhere by it."""
    match authorized.plan.entry.query.kind:
        case QueryKind.SQL:
            return FetchedRows(authorized, _from_source(authorized))
        case QueryKind.OWN_DATA:
            return FetchedRows(authorized, _holdings())
        case QueryKind.KNOWLEDGE:
            return FetchedRows(authorized, _articles(authorized))
        case _:
            return FetchedRows(authorized, Fetched((), (), is_cut=False))


def _from_source(authorized: AuthorizedPlan) -> Fetched:
    entry, bound = authorized.plan.entry, authorized.bound
    if entry.source is None or bound is None:
        raise ValueError("an SQL query without source or binding")
    engine = sources.engine(str(entry.source.id), entry.source.open_url())
    return run(
        engine, bound, timeout_ms=entry.query.timeout_ms, max_rows=entry.query.max_rows
    )


def _holdings() -> Fetched:
    rows = tuple(
        (one.holds, ", ".join(one.purposes), _kept_for(one)) for one in list_holdings()
    )
    return Fetched(OWN_DATA_COLUMNS, rows, is_cut=False)


def _kept_for(one: Holding) -> str:
    if one.keep_reason:
        return one.keep_reason
    return f"{one.days} days" if one.days else "as long as the account"


def _articles(authorized: AuthorizedPlan) -> Fetched:
    found = search_articles(authorized.turn.actor, authorized.plan.text)
    rows = tuple((article.title, article.body) for article in found[:1])
    return Fetched(("title", "body"), rows, is_cut=False)


def release(fetched: FetchedRows) -> ReleasedRows:
    """Return what may be shown: no group under five persons, no helper column."""
    authorized = fetched.authorized
    columns, rows = fetched.fetched.columns, fetched.fetched.rows
    suppressed = 0
    if authorized.bound is not None and authorized.bound.counts_persons:
        kept = suppress_small_groups(rows, columns.index(COUNTED_PERSONS))
        suppressed, rows = len(rows) - len(kept), kept
        columns, rows = _without(columns, rows, COUNTED_PERSONS)
    resource_ids = _resource_ids(authorized, columns, rows)
    wanted = authorized.plan.slots.get("top_n")
    if isinstance(wanted, int):
        rows = rows[:wanted]
    return ReleasedRows(
        authorized=authorized,
        columns=columns,
        rows=rows,
        suppressed=suppressed,
        is_cut=fetched.fetched.is_cut,
        resource_ids=resource_ids,
    )


def suppress_small_groups(rows: Cells, persons: int) -> Cells:
    """Return the groups of at least five persons, less one where any was small.

    A single missing group could be had by subtraction from a total, so the smallest of
    the others goes with it.
    """

    def size(row: Sequence[JsonScalar]) -> int:
        counted = row[persons]
        return counted if isinstance(counted, int) else 0

    kept = [row for row in rows if size(row) >= SMALLEST_GROUP]
    if kept and len(kept) < len(rows):
        kept.remove(min(kept, key=size))
    return tuple(kept)


def _without(
    columns: tuple[str, ...], rows: Cells, name: str
) -> tuple[tuple[str, ...], Cells]:
    place = columns.index(name)
    return (
        columns[:place] + columns[place + 1 :],
        tuple(row[:place] + row[place + 1 :] for row in rows),
    )


def _resource_ids(
    authorized: AuthorizedPlan, columns: tuple[str, ...], rows: Cells
) -> tuple[str, ...]:
    """Return which records are shown, for the evidence: ids, never names."""
    if authorized.bound is None:
        return ()
    named = [
        output.name
        for output in authorized.bound.outputs
        if output.is_plain and any(c.endswith("_id") for _, c in output.made_from)
    ]
    if not named:
        return ()
    place = columns.index(named[0])
    return tuple(f"{named[0][:-3]}_{row[place]}" for row in rows[:MAX_RESOURCE_IDS])
