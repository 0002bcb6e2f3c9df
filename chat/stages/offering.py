"""What is offered to be asked: examples that read as a sentence, only what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from chat.models import QueryKind
from chat.stages.judgement import list_runnable
from chatsec.core.context import Actor

MAX_OFFERED: Final = 6
WORDS_OF_A_SENTENCE: Final = 4


def list_suggestions(actor: Actor) -> list[str]:
    """Return examples of what this actor may ask, his own field's first."""
    runnable = [
        entry
        for entry in list_runnable(actor)
        if entry.query.examples and entry.query.kind != QueryKind.HELP
    ]
    sharing = Counter(entry.permissions for entry in runnable)
    # A permission that opens few queries is about somebody's own field of work.
    special = sorted(runnable, key=lambda entry: sharing[entry.permissions])
    return [suggestion_of(entry.query.examples) for entry in special[:MAX_OFFERED]]


def suggestion_of(examples: Sequence[str]) -> str:
    """Return the first example that is a sentence rather than a catchword."""
    sentences = [text for text in examples if len(text.split()) >= WORDS_OF_A_SENTENCE]
    text = (sentences or examples)[0]
    return text[0].upper() + text[1:]
