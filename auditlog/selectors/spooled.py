"""How much evidence waits on this machine's disk."""

from __future__ import annotations

from auditlog.spool import audit_spool


def spooled_records() -> int:
    """Return how many events wait for the database; some for long is a fault."""
    return audit_spool().count()


def dead_records() -> int:
    """Return how many records were put aside; each needs an operator's decision."""
    return len(audit_spool().dead_files())
