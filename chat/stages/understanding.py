"""Interpret: from text to a query of the catalogue. Text never becomes SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings

from chat.constants import CLARIFY_MESSAGE, OUT_OF_SCOPE_MESSAGE
from chat.interpretation import (
    IntentModel,
    Interpretation,
    SlotValue,
    find_slot,
    load_model,
    looks_like_code,
)
from chat.interpretation import interpret as understand
from chat.models import MessageStatus, PendingKind
from chat.periods import NAMED, PERIOD, fitted
from chat.selectors.catalogue import Entry, find_entries, find_entry
from chat.selectors.pending import find_open_question, opened_plan
from chat.stages.judgement import may_run
from chat.stages.offering import suggestion_of
from chat.stages.types import QueryPlan, RedactedMessage, Reply, Turn, TurnEnded
from chatsec.core import crypto
from chatsec.core.errors import Json

MODEL_FILE: Final = "intents.npz"
MODEL_KEY: Final = "chat.intent-model"
MAX_NAME: Final = 80
MAX_NAME_WORDS: Final = 4
MAX_NOTE: Final = 1_000
BARE_NUMBER: Final = re.compile(r"[0-9]{1,9}|[0-9]{1,3}(,[0-9]{3}){1,2}")

COMPARED: Final = re.compile(
    r"\bthan (?:in )?(?:the )?(?:last|previous|prior)\b", re.IGNORECASE
)
NO_SUCH_PERIOD: Final = {
    "quarter": re.compile(r"\b(?:q|quarter )([05-9]|[1-9][0-9])\b", re.IGNORECASE),
    "year": re.compile(
        r"\b(?:in|of|for|year) (1[0-9]{3}|2[1-9][0-9]{2})\b", re.IGNORECASE
    ),
}

UNKNOWN_PLACE: Final = re.compile(
    r"\bin (?:the )?([a-z]{3,80})(?: region)?[\s?.!]*$", re.IGNORECASE
)
PLACES: Final = frozenset({"region", "department", "person", "product", *PERIOD})
# What follows “in” and is no place: “sales in total”, “in detail”, “in euros”.
MANNERS: Final = frozenset(
    {
        "all",
        "brief",
        "business",
        "company",
        "comparison",
        "detail",
        "details",
        "dollars",
        "english",
        "euros",
        "figures",
        "full",
        "future",
        "general",
        "list",
        "market",
        "millions",
        "month",
        "numbers",
        "organisation",
        "organization",
        "past",
        "percent",
        "pounds",
        "quarter",
        "region",
        "regions",
        "short",
        "store",
        "stores",
        "summary",
        "table",
        "thousands",
        "total",
        "words",
        "year",
    }
)


def interpret(message: RedactedMessage) -> QueryPlan:
    """Return the query that is asked for, over the whole catalogue.

    What the actor may run is decided later: choosing only among permitted queries
    would answer “there are none” where the truth is “you may not see them”.
    """
    found = understand(message.text, at=message.turn.now.date(), model=current_model())
    if plan := _form_turn(message, found):
        return plan
    if looks_like_code(message.text):
        raise TurnEnded(message.turn, _out_of_scope())
    entry = find_entry(found.query) if found.query and found.band == "answer" else None
    if entry is not None:
        return QueryPlan(
            message.turn, entry, _slots(message, found, entry), message.text
        )
    if found.band == "clarify":
        raise TurnEnded(message.turn, _clarify(message.turn, found))
    raise TurnEnded(message.turn, _out_of_scope())


def _slots(
    message: RedactedMessage, found: Interpretation, entry: Entry
) -> Mapping[str, SlotValue]:
    """Return what was found, in the query's own periods.

    A quarter, year or place that there is not stays in, so that it is asked for again:
    the figures of all time are no answer to “sales in Q7”.
    """
    slots = dict(found.slots)
    if COMPARED.search(message.text):
        # “more than last year” is about both years.
        slots = {name: slots[name] for name in slots if name not in NAMED}
    for slot, pattern in NO_SUCH_PERIOD.items():
        if slot not in slots and (number := pattern.search(message.text)):
            slots[slot] = int(number[1])
    place = UNKNOWN_PLACE.search(message.text)
    if place and not PLACES.intersection(slots) and place[1].lower() not in MANNERS:
        slots["region"] = place[1]
    return fitted(slots, entry.properties, today=message.turn.now.date())


def _form_turn(message: RedactedMessage, found: Interpretation) -> QueryPlan | None:
    """Return the earlier question with its missing slot, if this message fills it."""
    turn = message.turn
    if turn.conversation is None:
        return None
    waiting = find_open_question(turn.actor, turn.conversation, now=turn.now)
    if waiting is None or waiting.kind != PendingKind.SLOT:
        return None
    known = opened_plan(waiting)
    value = found.slots.get(known.slot, _as_bare_value(known.slot, message.text))
    if value is None:
        value = find_slot(known.slot, message.text, at=turn.now.date())
    is_new_question = found.band == "answer" and found.query != known.query
    entry = find_entry(known.query)
    if value is None or entry is None or is_new_question:
        return None
    slots: Mapping[str, SlotValue] = {**known.slots, known.slot: value}
    return QueryPlan(turn, entry, slots, message.text)


def _as_bare_value(slot: str, text: str) -> SlotValue | None:
    """Take a short answer to “whose?” or “how much?” as the value itself."""
    bare = text.strip(" .?!")
    match slot:
        case "person" if len(bare) <= MAX_NAME and len(bare.split()) <= MAX_NAME_WORDS:
            return bare
        case "amount" if BARE_NUMBER.fullmatch(bare):
            return int(bare.replace(",", ""))
        case "note":
            return text[:MAX_NOTE]
        case _:
            return None


def _clarify(turn: Turn, found: Interpretation) -> Reply:
    """Ask back, naming only what this actor may run."""
    entries = find_entries([candidate.query for candidate in found.candidates])
    options: list[Json] = [
        {
            "query": entry.key,
            "title": entry.query.title,
            "text": suggestion_of(examples),
        }
        for candidate in found.candidates
        if (entry := entries.get(candidate.query))
        and may_run(turn.actor, entry)
        and (examples := entry.query.examples or [entry.query.title])
    ]
    if not options:
        return _out_of_scope()
    return Reply(MessageStatus.CLARIFY, CLARIFY_MESSAGE, extra={"options": options})


def _out_of_scope() -> Reply:
    return Reply(MessageStatus.OUT_OF_SCOPE, OUT_OF_SCOPE_MESSAGE)


def current_model() -> IntentModel | None:
    """Return the model retrained here, or None for the shipped one."""
    path = model_path()
    try:
        stamp = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _loaded(path, stamp)


def model_path() -> Path:
    """Return where the retrained model of this installation lives."""
    return Path(settings.CHATSEC_DATA_DIR) / "models" / MODEL_FILE


@lru_cache(maxsize=1)
def _loaded(path: Path, stamp: int) -> IntentModel:
    return load_model(path, key=crypto.derived_key(MODEL_KEY))
