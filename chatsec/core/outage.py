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
    state = _state_of(error)
    return state is None or state.startswith(OUT_OF_REACH)


def cause_of(error: BaseException | None) -> str:
    """Return why the database is out of reach, for logs; nothing where it is not.

    Words without a state are the driver's own or the refusal of a connection, which
    name roles and databases; with a state they may quote what somebody typed.
    """
    if error is None or not is_out_of_reach(error):
        return ""
    words = str(error).strip().rpartition("FATAL:")[2].strip()
    return _state_of(error) or words


def _state_of(error: BaseException) -> str | None:
    """Return the SQLSTATE; there is none where the server could not even be asked."""
    return getattr(error.__cause__, "pgcode", None)
