"""Structured logs: one JSON record a line, redacted, with the request id."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from typing import Any

from pythonjsonlogger.json import JsonFormatter as BaseFormatter

from chatsec.core import context
from chatsec.core.outage import cause_of
from chatsec.core.redaction import redact


class JsonFormatter(BaseFormatter):
    """Formats a record so that no personal text and no line break leaves the process.

    Exceptions keep their type and stack without messages or values: a message may quote
    what a user typed. Why the database is out of reach is no such message.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Fill the record; extra fields are kept only as redacted text."""
        super().add_fields(log_data, record, message_dict)
        log_data["request_id"] = _request_id(record)
        for key, value in list(log_data.items()):
            if key in {"request", "exc_info", "stack_info"}:
                del log_data[key]
            elif key not in {"time", "level", "logger", "request_id"}:
                log_data[key] = _clean(value)
        if record.exc_info and record.exc_info[0]:
            log_data["error_type"] = record.exc_info[0].__name__
            log_data["stack"] = stack_of(record.exc_info[1])
            if cause := cause_of(record.exc_info[1]):
                log_data["cause"] = _clean(cause)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Drop what the base class adds of the exception's own words."""
        log_data.pop("exc_info", None)
        return log_data


class QuietTasks(logging.Filter):
    """Leaves out that a task came and went which runs every second; failures stay."""

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        self._tasks = frozenset(tasks)

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is kept."""
        about = getattr(record, "data", None)
        if record.levelno > logging.INFO or not isinstance(about, dict):
            return True
        return about.get("name") not in self._tasks


def _request_id(record: logging.LogRecord) -> str:
    """Return the id of the record's own request: Django logs after it has ended."""
    meta = getattr(getattr(record, "request", None), "META", {})
    return str(meta.get(context.REQUEST_ID_KEY) or context.current().request_id)


def stack_of(error: BaseException | None) -> list[str]:
    """Return `file:line function` of each frame, without values or messages."""
    if error is None:
        return []
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{_short(f.filename)}:{f.lineno} {f.name}" for f in frames]


def _short(path: str) -> str:
    return "/".join(path.split("/")[-3:])


def _clean(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))
