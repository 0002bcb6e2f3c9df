"""PostgreSQL and Valkey for an installation that names no servers of its own.

Plain Python, used while settings are read. ``ensure_running`` starts what does not run
yet and keeps it running for as long as this process lives; ``describe`` only says
where the engines would be and how to sign in.
"""

from chatsec.embedded.engines import (
    Connection,
    EngineError,
    Engines,
    describe,
    ensure_running,
)
from chatsec.embedded.roles import sql_for_roles

__all__ = [
    "Connection",
    "EngineError",
    "Engines",
    "describe",
    "ensure_running",
    "sql_for_roles",
]
