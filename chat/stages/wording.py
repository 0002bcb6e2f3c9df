"""Compose: the answer in words, without a language model and without user input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chat.models import MessageStatus, QueryKind
from chat.periods import worded_period
from chat.selectors.catalogue import Entry
from chat.stages.judgement import list_runnable
from chat.stages.types import ComposedAnswer, Figures, ReleasedRows, Reply
from chatsec.core.context import Actor
from chatsec.core.errors import JsonScalar

NOTHING_FOUND: Final = "nothing was found within what you may see."
NO_ARTICLE: Final = "I did not find an article about that."
HIDDEN_GROUPS: Final = "Groups of fewer than five people are not shown."
PERIOD_SLOTS: Final = frozenset({"quarter", "year", "month"})
MAX_OFFERED: Final = 6


def compose(released: ReleasedRows) -> ComposedAnswer:
    """Word the answer; released cells are said as they are."""
    authorized = released.authorized
    match authorized.plan.entry.query.kind:
        case QueryKind.SQL | QueryKind.OWN_DATA:
            head, text = _heading(released), _sentence(released)
        case QueryKind.KNOWLEDGE:
            head, text = "", _article(released)
        case QueryKind.ACTION:
            head, text = _heading(released), "it is approved and recorded."
        case _:
            head, text = "", _help(authorized.turn.actor)
    return ComposedAnswer(authorized.turn, _reply(released, head, text))


def _reply(released: ReleasedRows, head: str, text: str) -> Reply:
    plan = released.authorized.plan
    sentence = f"{head}: {text}" if head else text
    shown = _is_tabular(released) or plan.entry.query.kind == QueryKind.KNOWLEDGE
    figures = None
    if shown and released.rows:
        tabular = _is_tabular(released)
        figures = Figures(
            text=sentence,
            columns=released.columns if tabular else (),
            rows=released.rows if tabular else (),
        )
    return Reply(
        status=MessageStatus.ANSWERED,
        text=(f"{head}:" if head else "") if figures else sentence,
        plan=plan,
        decision=released.authorized.decision,
        figures=figures,
        release=released.authorized.release if figures else None,
        rows=released,
    )


def _is_tabular(released: ReleasedRows) -> bool:
    kind = released.authorized.plan.entry.query.kind
    return kind in (QueryKind.SQL, QueryKind.OWN_DATA)


def _heading(released: ReleasedRows) -> str:
    """Return the query's title and what was asked, in words of the catalogue only."""
    authorized = released.authorized
    title = authorized.plan.entry.query.title
    period = worded_period(authorized.parameters)
    told = [title, f"for {period}" if period else "", _places(authorized.parameters)]
    return " ".join(part for part in told if part)


def _places(parameters: Mapping[str, object]) -> str:
    region, department = parameters.get("region"), parameters.get("department")
    parts = [f"region {region}"] if region else []
    parts += [f"department {department}"] if department else []
    return f"({', '.join(parts)})" if parts else ""


def _sentence(released: ReleasedRows) -> str:
    notes = [HIDDEN_GROUPS] if released.suppressed else []
    if released.is_cut:
        notes.append(f"Only the first {len(released.rows)} are shown.")
    if ignored := _ignored(released):
        notes.append(f"Not used: {', '.join(ignored)}.")
    return " ".join([_figures_in_words(released), *notes])


def _figures_in_words(released: ReleasedRows) -> str:
    if not released.rows or _is_empty_total(released):
        return NOTHING_FOUND
    if len(released.rows) > 1:
        return f"{len(released.rows)} rows."
    pairs = zip(released.columns, released.rows[0], strict=True)
    return (
        ", ".join(f"{_label(name)} {_said(name, cell)}" for name, cell in pairs) + "."
    )


def _is_empty_total(released: ReleasedRows) -> bool:
    """Whether the only row is the NULLs and zeros that SUM makes of nothing."""
    return len(released.rows) == 1 and all(
        cell in (None, 0) for cell in released.rows[0]
    )


def _ignored(released: ReleasedRows) -> list[str]:
    """Return the slots that were understood and that this query does not take."""
    plan = released.authorized.plan
    used = {*plan.entry.properties, "top_n"}
    return sorted(name.replace("_", " ") for name in plan.slots if name not in used)


def _label(column: str) -> str:
    return column.replace("_", " ")


def _said(name: str, cell: JsonScalar) -> str:
    if name == "year" or name.endswith("_id"):
        return str(cell)
    match cell:
        case None:
            return "unknown"
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.2f}"
        case _:
            return str(cell)


def _article(released: ReleasedRows) -> str:
    if not released.rows:
        return NO_ARTICLE
    title, body = released.rows[0]
    return f"{title}\n\n{body}"


def _help(actor: Actor) -> str:
    runnable = [entry for entry in list_runnable(actor) if _is_offered(entry)]
    examples = _examples(runnable)
    if not examples:
        return "Hello! Ask me a question about how things work here."
    listed = "\n".join(f"- {example}" for example in examples)
    return f"Hello! You can ask me, for example:\n{listed}"


def _is_offered(entry: Entry) -> bool:
    return entry.query.kind != QueryKind.HELP


def _examples(entries: Sequence[Entry]) -> list[str]:
    with_examples = [entry.query.examples for entry in entries if entry.query.examples]
    return [str(examples[0]) for examples in with_examples[:MAX_OFFERED]]
