"""Compose: the answer in words, without a language model and without user input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chat.models import MessageStatus, QueryKind
from chat.periods import worded_period
from chat.stages.offering import list_suggestions
from chat.stages.types import ComposedAnswer, Figures, ReleasedRows, Reply
from chatsec.core.context import Actor
from chatsec.core.errors import JsonScalar

NOTHING_FOUND: Final = "nothing was found within what you may see."
NO_ARTICLE: Final = "I did not find an article about that."
HIDDEN_GROUPS: Final = "Groups of fewer than five people are not shown."
PERIOD_SLOTS: Final = frozenset({"quarter", "year", "month"})
DELIMITING_SLOTS: Final = {
    "date_from": "date",
    "date_to": "date",
    "sale_id": "sale",
    "top_n": "",
}
OWN_DATA_WAYS: Final = (
    "Under “My privacy” you can get a copy, or ask to have it corrected or erased."
)


def compose(released: ReleasedRows) -> ComposedAnswer:
    """Word the answer; released cells are said as they are."""
    authorized = released.authorized
    match authorized.plan.entry.query.kind:
        case QueryKind.SQL | QueryKind.OWN_DATA:
            head, text = _heading(released), _sentence(released)
        case QueryKind.KNOWLEDGE:
            head, text = "", _article(released)
        case QueryKind.ACTION:
            head, text = _ordered(released), "recorded."
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
    """Return the query's title and what was asked, in words of the catalogue only.

    What the query cannot be narrowed by is said before the figures: they cover more
    than the question did.
    """
    authorized = released.authorized
    title = authorized.plan.entry.query.title
    period = worded_period(authorized.parameters)
    told = [title, _worded(period), _places(authorized.parameters)]
    head = " ".join(part for part in told if part)
    ignored = _ignored(released)
    return f"{head}, not narrowed by {' and '.join(ignored)}" if ignored else head


def _worded(period: str) -> str:
    return (
        period if not period or period.startswith(("from", "to")) else f"for {period}"
    )


def _ordered(released: ReleasedRows) -> str:
    """Return what was recorded, with its figures."""
    plan = released.authorized.plan
    wanted = ("amount {:,}", "percent {:g}", "sale_id {}")
    told = []
    for form in wanted:
        slot, shape = form.split()
        if isinstance(value := plan.slots.get(slot), (int, float)):
            told.append(f"{_label(slot).removesuffix(' id')} {shape.format(value)}")
    title = plan.entry.query.title
    return f"{title} ({', '.join(told)})" if told else title


def _places(parameters: Mapping[str, object]) -> str:
    region, department = parameters.get("region"), parameters.get("department")
    parts = [f"region {region}"] if region else []
    parts += [f"department {department}"] if department else []
    return f"({', '.join(parts)})" if parts else ""


def _sentence(released: ReleasedRows) -> str:
    notes = [HIDDEN_GROUPS] if released.suppressed else []
    if released.is_cut and not _is_as_asked(released):
        notes.append(f"Only the first {len(released.rows)} are shown.")
    if released.authorized.plan.entry.query.kind == QueryKind.OWN_DATA:
        notes.append(OWN_DATA_WAYS)
    return " ".join([_figures_in_words(released), *notes])


def _is_as_asked(released: ReleasedRows) -> bool:
    """Whether the question itself asked for so many: “the last 10 orders”."""
    return released.authorized.plan.slots.get("top_n") == len(released.rows)


def _figures_in_words(released: ReleasedRows) -> str:
    if not released.rows or _is_empty_total(released):
        return NOTHING_FOUND
    if len(released.rows) > 1:
        return f"{len(released.rows)} rows."
    pairs = list(zip(released.columns, released.rows[0], strict=True))
    # A row that begins with a name is about it: “Bob Miller, job title …”.
    subject = [str(pairs[0][1])] if isinstance(pairs[0][1], str) else []
    told = [_told(name, cell) for name, cell in pairs[len(subject) :]]
    return ", ".join([*subject, *told]) + "."


def _told(name: str, cell: JsonScalar) -> str:
    label = _label(name)
    if cell is None:
        return f"no {label}"
    if "percent" in name.split("_") and isinstance(cell, (int, float)):
        return f"{label.removesuffix(' percent')} {cell:,g}%"
    return f"{label} {_said(name, cell)}"


def _is_empty_total(released: ReleasedRows) -> bool:
    """Whether the only row is the NULLs and zeros that SUM makes of nothing."""
    return len(released.rows) == 1 and all(
        cell in (None, 0) for cell in released.rows[0]
    )


def _ignored(released: ReleasedRows) -> list[str]:
    """Return the slots that were understood and that this query does not take."""
    plan = released.authorized.plan
    unused = [name for name in sorted(plan.slots) if name not in plan.entry.properties]
    told = (DELIMITING_SLOTS.get(name, _label(name)) for name in unused)
    return list(dict.fromkeys(name for name in told if name))


def _label(column: str) -> str:
    return column.replace("_", " ")


def _said(name: str, cell: JsonScalar) -> str:
    if name == "year" or name.endswith("_id"):
        return str(cell)
    match cell:
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
    examples = list_suggestions(actor)
    if not examples:
        return "Hello! Ask me a question about how things work here."
    listed = "\n".join(f"- {example}" for example in examples)
    return f"Hello! You can ask me, for example:\n{listed}"
