"""Who may touch alerts and incidents now: one at a time, until the transaction ends.

Whether an incident exists is asked and then acted upon; and whoever writes alerts and
whoever writes incidents need both. Everybody takes this turn first, then rows in the
order incident, route, message: nobody waits for somebody who waits for him.
"""

from __future__ import annotations

from typing import Final

from django.db import connection

_TURN: Final = "SELECT pg_advisory_xact_lock(hashtext('chatsec incidents'))"


def take_turn() -> None:
    """Return when nobody else is at alerts and incidents; call it in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_TURN)
