"""When the database is out of reach, which is nobody's mistake: 503, not 500."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError

# SQLSTATE classes: connection exception, insufficient resources, operator
# intervention (08, 53, 57P). Deadlocks and timeouts are faults of ours.
OUT_OF_REACH = ("08", "53", "57P")


def is_out_of_reach(error: BaseException | None) -> bool:
    """Whether `error` says that the database gave no connection, or lost it."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # The driver knows no state where the server could not even be asked.
    state = getattr(error.__cause__, "pgcode", None)
    return state is None or state.startswith(OUT_OF_REACH)
