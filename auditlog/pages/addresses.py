"""Where a search, and an event, is shown."""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import reverse
from django.utils.http import urlencode

from auditlog.selectors import asked_words


def search_query(words: Mapping[str, str], **more: str) -> str:
    """Return what comes behind the `?` in the address of this search."""
    asked = {**asked_words(words), **{name: w for name, w in more.items() if w}}
    return urlencode(asked)


def search_address(words: Mapping[str, str]) -> str:
    """Return the address of the page that shows this search."""
    query = search_query(words)
    return reverse("audit-search") + (f"?{query}" if query else "")
