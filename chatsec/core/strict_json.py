"""JSON that means one thing to everybody (RFC 8259, RFC 7493 I-JSON)."""

from __future__ import annotations

import json
import re

from chatsec.core.errors import Json

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
_SURROGATE = re.compile("[\ud800-\udfff]")


class MalformedJson(ValueError):
    """The text is not JSON as this API accepts it; the message says why."""


def loads(raw: bytes) -> Json:
    """Return the value of `raw`; raise MalformedJson.

    Refused: anything but UTF-8, nesting over 32, duplicate keys, NaN and Infinity,
    NUL and lone surrogates in any string, numbers that overflow.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson("not UTF-8") from error
    _check_depth(text)
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except MalformedJson:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedJson("not valid JSON") from error
    _check_strings(value)
    return value


def _check_depth(text: str) -> None:
    """Count brackets outside strings before parsing: deep nesting costs a stack."""
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedJson(f"nested deeper than {MAX_DEPTH}")
        elif character in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJson("a key occurs twice")
    return value


def _refuse_constant(name: str) -> Json:
    raise MalformedJson(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise MalformedJson("a number is out of range")
    return number


def _check_strings(value: Json) -> None:
    if isinstance(value, str):
        if "\0" in value or _SURROGATE.search(value):
            raise MalformedJson("a string holds NUL or a lone surrogate")
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_strings(key)
            _check_strings(item)
