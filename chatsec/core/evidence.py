"""What the edges put on record by themselves: faults, and refusals of permissions.

Who writes it is named in the settings; an answer never fails because of it.
"""

from __future__ import annotations

import logging
from typing import TypeVar

from django.conf import settings
from django.utils.module_loading import import_string

from chatsec.core.errors import Denied, TooMany

E = TypeVar("E", bound=Exception)
logger = logging.getLogger("chatsec.evidence")


def note_fault(error: Exception) -> None:
    """Write the error event of a request that failed."""
    _write(settings.CHATSEC_ERROR_RECORDER, error)


def note_denial(refusal: E) -> E | TooMany:
    """Write that the caller was denied what he asked for, if this is a denial.

    Returns what he is told: the refusal, or that there were too many.
    """
    if isinstance(refusal, Denied) and refusal.counts_as_denial:
        instead = _write(settings.CHATSEC_DENIAL_RECORDER, refusal)
        if isinstance(instead, TooMany):
            return instead
    return refusal


def _write(recorder: str, error: Exception) -> object:
    try:
        return import_string(recorder)(error)
    except Exception:
        logger.exception("the event of a request was not written")
        return None
