"""The gold set: sentences that no model of ours was trained on."""

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from chat.interpretation import Interpretation, interpret

# The day on which "last quarter" is the third quarter of 2026.
TODAY = date(2026, 11, 20)


class Utterance(NamedTuple):
    text: str
    query: str | None
    slots: dict[str, int | float | str]


@cache
def utterances() -> tuple[Utterance, ...]:
    lines = (Path(__file__).parent / "gold.jsonl").read_text("utf-8").splitlines()
    return tuple(Utterance(**json.loads(line)) for line in lines)


def share(claims: list[bool]) -> float:
    return sum(claims) / len(claims)


def read(text: str) -> Interpretation:
    return interpret(text, at=TODAY)
