"""Execute and release: fetch within the actor's views, then hold back small groups."""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import Final

from chat.constants import INSUFFICIENT, MAX_UNITS
from chat.datasets.checker import COUNTED_PERSONS
from chat.datasets.groups import NOBODY, Group, Key, Persons, suppress
from chat.datasets.sources import Fetched, run_together, sources
from chat.errors import ReaderUnknown, TooManyGroups, TooSimilar
from chat.models import MessageStatus, QueryKind
from chat.selectors.knowledge import search_articles
from chat.services.ledger import WIDTH, remember_release
from chat.stages.types import (
    AuthorizedPlan,
    Cells,
    FetchedRows,
    ReleasedRows,
    Reply,
    TurnEnded,
)
from chatsec.core.errors import Denied, Json
from privacy.selectors import Holding, list_holdings

# The event that names the records has 16 KB for everything that it says.
MAX_RESOURCE_ID_BYTES: Final = 12_000
OWN_DATA_COLUMNS: Final = ("what", "purposes", "kept")


def execute(authorized: AuthorizedPlan) -> FetchedRows:
    """Fetch what the authorized plan may show; nothing is written anywhere by it."""
    match authorized.plan.entry.query.kind:
        case QueryKind.SQL:
            return _from_source(authorized)
        case QueryKind.OWN_DATA:
            return FetchedRows(authorized, _holdings())
        case QueryKind.KNOWLEDGE:
            return FetchedRows(authorized, _articles(authorized))
        case _:
            return FetchedRows(authorized, Fetched((), (), is_cut=False))


def _from_source(authorized: AuthorizedPlan) -> FetchedRows:
    entry, bound = authorized.plan.entry, authorized.bound
    if entry.source is None or bound is None:
        raise ValueError("an SQL query without source or binding")
    engine = sources.engine(str(entry.source.id), entry.source.open_url())
    queries = [(bound, entry.query.max_rows)]
    if authorized.units is not None:
        queries.append((authorized.units, MAX_UNITS))
    found = run_together(engine, queries, timeout_ms=entry.query.timeout_ms)
    return FetchedRows(authorized, *found)


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
    """Return what may be shown: no small group, also not by subtraction."""
    authorized = fetched.authorized
    columns, rows = fetched.fetched.columns, fetched.fetched.rows
    suppressed = 0
    if authorized.bound is not None and authorized.bound.counts_persons:
        kept = _releasable(fetched)
        suppressed, rows = len(rows) - len(kept), kept
        columns, rows = _without(columns, rows, COUNTED_PERSONS)
    wanted = authorized.plan.slots.get("top_n")
    if isinstance(wanted, int):
        rows = rows[:wanted]
    return ReleasedRows(
        authorized=authorized,
        columns=columns,
        rows=rows,
        suppressed=suppressed,
        is_cut=fetched.fetched.is_cut,
        resource_ids=_resource_ids(authorized, columns, rows),
    )


def _releasable(fetched: FetchedRows) -> Cells:
    """Return the groups that may be shown, once it is noted that they are."""
    authorized, found = fetched.authorized, fetched.fetched
    reader, bound = authorized.turn.actor.id, authorized.bound
    if bound is None or authorized.grid is None:
        raise ValueError("an aggregate without units")
    if reader is None:
        raise _refused(authorized, ReaderUnknown())
    keys = [output.name for output in bound.outputs if output.is_plain]
    groups, persons = _groups(fetched, len(keys))
    places = [found.columns.index(name) for name in keys]
    shown = {
        key: row
        for row in found.rows
        if (key := tuple(row[place] for place in places)) in groups
    }
    fit = suppress(groups, persons)
    kept = {key: row for key, row in shown.items() if key in fit}
    try:
        remember_release(
            reader,
            authorized.grid,
            [groups[key] for key in kept],
            persons=persons,
            now=authorized.turn.now,
        )
    except (TooSimilar, TooManyGroups) as refused:
        raise _refused(authorized, refused) from None
    return tuple(kept.values())


def _groups(fetched: FetchedRows, width: int) -> tuple[dict[Key, Group], Persons]:
    """Return the units of each group, and the person of each unit."""
    units = fetched.units
    if units is None:
        raise ValueError("an aggregate without units")
    if units.is_cut:
        raise _refused(fetched.authorized, TooManyGroups())
    groups: dict[Key, set[bytes]] = {}
    persons: dict[bytes, bytes] = {}
    for *key, person, digest in units.rows:
        unit = bytes.fromhex(str(digest))[:WIDTH]
        persons[unit] = bytes.fromhex(str(person))[:WIDTH] if person else NOBODY
        groups.setdefault(tuple(key[:width]), set()).add(unit)
    return {key: frozenset(found) for key, found in groups.items()}, persons


def _refused(authorized: AuthorizedPlan, refusal: Denied) -> TurnEnded:
    extra: dict[str, Json] = {
        "error": INSUFFICIENT,
        "code": refusal.code,
        "required": authorized.decision.permission,
    }
    reply = Reply(
        MessageStatus.DENIED,
        refusal.message,
        plan=authorized.plan,
        decision=authorized.decision,
        extra=extra,
    )
    return TurnEnded(authorized.turn, reply)


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
    ids = [f"{named[0][:-3]}_{row[place]}" for row in rows]
    sizes = accumulate(len(each.encode()) + len('"",') for each in ids)
    fitting = takewhile(lambda size: size <= MAX_RESOURCE_ID_BYTES, sizes)
    return tuple(each for each, _ in zip(ids, fitting, strict=False))
