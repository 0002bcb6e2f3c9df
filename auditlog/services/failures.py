"""Errors as events: what broke and where, without the values it broke on."""

from __future__ import annotations

import re
import traceback
from pathlib import PurePath
from typing import Final
from uuid import UUID

from django.db import connection

from auditlog import events
from auditlog.services.inserting import in_transaction
from auditlog.services.recording import record
from auditlog.services.refusals import on_own_connection
from chatsec.core.errors import Json
from chatsec.core.redaction import redact

MAX_FRAMES: Final = 30
MAX_MESSAGE: Final = 200
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|«[^»]*»|\([^()]*\)=\([^()]*\)")
_DIGITS = re.compile(r"\d+")


def record_error(exception: BaseException, *, query: str = "") -> UUID:
    """Write an error event: type, place and shape of the message, no values.

    `query` is a parameterised statement, never one with its values. The event is
    committed even where the caller's transaction is broken or will be rolled back.
    """
    details: dict[str, Json] = {
        "error_type": type(exception).__name__,
        "error_message": message_shape(exception),
        "stack_trace": stack_without_values(exception),
    }
    if query:
        details["query"] = query
    if in_transaction() or not _is_usable():
        return on_own_connection(
            lambda: record(events.ERROR, outcome="error", details=details)
        )
    return record(events.ERROR, outcome="error", details=details)


def message_shape(exception: BaseException) -> str:
    """Return the first line of the message with its values blanked out."""
    lines = str(exception).splitlines()
    shape = _QUOTED.sub("'?'", redact(lines[0])) if lines else ""
    return _DIGITS.sub("#", shape)[:MAX_MESSAGE]


def stack_without_values(exception: BaseException) -> str:
    """Return the innermost frames as `file:line function`, outermost first."""
    frames = traceback.extract_tb(exception.__traceback__)[-MAX_FRAMES:]
    return "\n".join(
        f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames
    )


def _short(filename: str) -> str:
    """Return the last three parts: enough to find it, nothing about the machine."""
    return "/".join(PurePath(filename).parts[-3:])


def _is_usable() -> bool:
    return not connection.needs_rollback and (
        connection.connection is None or connection.is_usable()
    )
