"""The redaction door: settings name the function that cleans text."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.utils.module_loading import import_string


@lru_cache(maxsize=1)
def _redactor() -> Callable[[str], str]:
    redactor: Callable[[str], str] = import_string(settings.CHATSEC_REDACTOR)
    return redactor


def redact(text: str) -> str:
    """Return `text` without direct identifiers; nothing at all if that fails."""
    try:
        return _redactor()(text)
    except Exception:  # noqa: BLE001 - fail closed: a broken redactor shows nothing
        return "[REDACTED]"
