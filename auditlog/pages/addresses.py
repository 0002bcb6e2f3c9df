"""Where a search, and an event, is shown."""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import reverse
from django.utils.http import urlencode

from auditlog.selectors import asked_words


def search_address(words: Mapping[str, str], **more: str) -> str:
    """Return the address of the page that shows this search."""
    asked = {**asked_words(words), **{name: w for name, w in more.items() if w}}
    query = f"?{urlencode(asked)}" if asked else ""
    return reverse("audit-search") + query
