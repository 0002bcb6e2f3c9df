"""Attributes as people type them: one `name=value` a line."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django import forms
from django.utils.dateparse import parse_datetime

from chatsec.core.context import AttributeValue

MAX_ATTRIBUTES = 50
NAME = re.compile(r"(?:(resource|context)\.)?([A-Za-z_][A-Za-z0-9_]{0,62})", re.ASCII)
NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
WORDS: dict[str, AttributeValue] = {"true": True, "false": False, "null": None}


class Attributes(NamedTuple):
    """What was typed, by what it describes."""

    resource: dict[str, AttributeValue]
    context: dict[str, AttributeValue]


class AttributesField(forms.CharField):
    """Reads lines like `region=north`, `context.hour=10`, `amount=12.50`."""

    default_error_messages = {
        "line": "Line %(number)s: write name=value, such as region=north.",
        "many": f"At most {MAX_ATTRIBUTES} lines.",
    }

    def __init__(self, **kwargs: object) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("max_length", 4000)
        area = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
        super().__init__(widget=area, **kwargs)  # type: ignore[arg-type]

    def to_python(self, value: object) -> Attributes:  # type: ignore[override]
        """Return the attributes; name the line that cannot be read."""
        lines = str(super().to_python(value) or "").splitlines()
        if len(lines) > MAX_ATTRIBUTES:
            raise forms.ValidationError(self.error_messages["many"], code="many")
        found = Attributes({}, {})
        for number, line in enumerate(lines, start=1):
            if line.strip():
                self._read(line, number, found)
        return found

    def run_validators(self, value: object) -> None:
        """Nothing more to check: the lines were read."""

    def _read(self, line: str, number: int, found: Attributes) -> None:
        name, sign, value = line.partition("=")
        match = NAME.fullmatch(name.strip())
        if not sign or match is None:
            raise forms.ValidationError(
                self.error_messages["line"], code="line", params={"number": number}
            )
        place = found.context if match[1] == "context" else found.resource
        place[match[2]] = value_of(value.strip())


def value_of(text: str) -> AttributeValue:
    """Return the value that the text stands for; quotes make any text a text."""
    if text in WORDS:
        return WORDS[text]
    if NUMBER.fullmatch(text):
        return Decimal(text) if "." in text else int(text)
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return _moment(text) or text


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
