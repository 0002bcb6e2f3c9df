"""Every route that chatsec answers, as the resolver knows them: new ones too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

ABSENT = UUID("0199aaaa-0000-7000-8000-000000000000")
# What stands for a parameter that nothing real is known for.
SAMPLES = {"uuid": str(ABSENT), "int": "1", "slug": "absent", "str": "absent"}
CONVERTED = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


@dataclass(frozen=True)
class Route:
    """One pattern of the resolver, with a concrete address."""

    template: str
    path: str
    name: str
    callback: Callable[..., Any]

    @property
    def view(self) -> Any:
        """Return the API view's class, or None for a page."""
        return getattr(self.callback, "cls", None)

    def __str__(self) -> str:
        return self.template


def all_routes(known: Mapping[str, str] | None = None) -> list[Route]:
    """Return every route, its parameters filled from `known` where that names them."""
    return [
        Route(template, _filled(template, pattern, known or {}), name, pattern.callback)
        for template, name, pattern in _walk(get_resolver().url_patterns, "/", "")
    ]


def drained(response: Any) -> None:
    """Read a stream to its end, as a client does; closing it would close more."""
    if response.streaming:
        for _ in response.streaming_content:
            pass


def _walk(
    patterns: Sequence[URLPattern | URLResolver], before: str, space: str
) -> Iterator[tuple[str, str, URLPattern]]:
    for pattern in patterns:
        template = before + _text(pattern)
        if isinstance(pattern, URLPattern):
            yield template, f"{space}{pattern.name or ''}", pattern
        else:
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from _walk(pattern.url_patterns, template, space + inner)


def _text(pattern: URLPattern | URLResolver) -> str:
    """Return a route as written; a regular expression as its first possibility."""
    text = str(pattern.pattern)
    if type(pattern.pattern).__name__ != "RegexPattern":
        return text
    (form, names), *_ = normalize(text)
    filled: str = form % {name: f"<{name}>" for name in names}
    return filled


def _filled(template: str, pattern: URLPattern, known: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match["name"]
        if name == "object_id":
            return _first_row(pattern.name or "")
        if name == "app_label":
            return "accounts"
        return known.get(name) or SAMPLES.get(match["kind"] or "str", "absent")

    return CONVERTED.sub(value, template)


def _first_row(name: str) -> str:
    """Return the key of a row that an admin page of this name can show."""
    app_label, _, rest = name.partition("_")
    try:
        model = apps.get_model(app_label, rest.rpartition("_")[0])
    except LookupError:
        return str(ABSENT)
    row = model._base_manager.values_list("pk", flat=True).first()
    return str(row or ABSENT)
