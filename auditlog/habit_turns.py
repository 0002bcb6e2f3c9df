"""Who writes what is known of people's habits, and who erases it: never both at once.

A scan writes down what it read of people a moment before, and looks which of them are
erased by then; an erasure deletes what there is by then. Without a turn each could miss
what the other has not committed, and a row would stay of somebody who is nobody.
"""

from __future__ import annotations

from typing import Final

from django.db import connection

_LOCK: Final = "hashtext('chatsec habits')"
_WRITE: Final = f"SELECT pg_advisory_xact_lock_shared({_LOCK})"
_ERASE: Final = f"SELECT pg_advisory_xact_lock({_LOCK})"


def take_turn_to_write() -> None:
    """Return when nobody erases; until the transaction ends nobody will.

    Call it before the rows are written, and look for the erased afterwards. Any number
    may write at once.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WRITE)


def take_turn_to_erase() -> None:
    """Return when nobody writes; until the transaction ends nobody will.

    Call it before the rows are deleted, in the transaction that destroys the key.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ERASE)
