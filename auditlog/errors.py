"""What can go wrong with evidence."""

from __future__ import annotations

from chatsec.core.errors import Invalid, Unavailable


class DetailsTooLarge(Invalid):
    """One event's details exceed 16 KB: evidence is not a place for documents."""

    default_code = "audit_details_too_large"


class PartitionMissing(Unavailable):
    """No partition takes an event of this time, so what it proves is not done."""

    default_code = "audit_partition_missing"
