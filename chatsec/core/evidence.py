"""What the edges put on record by themselves: faults, and refusals of permissions.

Who writes it is named in the settings; an answer never fails because of it.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.utils.module_loading import import_string

from chatsec.core.errors import Denied

logger = logging.getLogger("chatsec.evidence")


def note_fault(error: Exception) -> None:
    """Write the error event of a request that failed."""
    _write(settings.CHATSEC_ERROR_RECORDER, error)


def note_denial(refusal: Exception) -> None:
    """Write that the caller was denied what he asked for, if this is a denial."""
    if isinstance(refusal, Denied) and refusal.counts_as_denial:
        _write(settings.CHATSEC_DENIAL_RECORDER, refusal)


def _write(recorder: str, error: Exception) -> None:
    try:
        import_string(recorder)(error)
    except Exception:
        logger.exception("the event of a request was not written")
