"""A search that would look through too much ends, instead of holding up the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg2.errors import QueryCanceled

from chatsec.core.errors import Invalid

PATIENCE_SECONDS: Final = 5


class SearchTooWide(Invalid):
    """So many events would have to be looked through that nobody waits for it."""

    default_code = "search_too_wide"


@contextmanager
def hurried(seconds: int = PATIENCE_SECONDS) -> Iterator[None]:
    """Let no statement of the block run longer; raise SearchTooWide if one would."""
    try:
        with transaction.atomic():
            _limit(f"{seconds}s")
            yield
            _limit("DEFAULT")
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        message = "Too many events to look through: narrow the period."
        raise SearchTooWide(message, fields={"since": [message]}) from error


def _limit(value: str) -> None:
    text = value if value == "DEFAULT" else f"'{value}'"
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout TO {text}")
