"""What can go wrong with evidence."""

from __future__ import annotations

from chatsec.core.errors import Conflict, Invalid, Unavailable


class DetailsTooLarge(Invalid):
    """One event's details exceed 16 KB: evidence is not a place for documents."""

    default_code = "audit_details_too_large"


class PartitionMissing(Unavailable):
    """No partition takes an event of this time, so what it proves is not done."""

    default_code = "audit_partition_missing"


class NoSealKey(Exception):
    """This process has no key to seal the log with (CHATSEC_SEAL_KEYS)."""

    def __init__(self, key_id: str = "") -> None:
        named = f" {key_id}" if key_id else ""
        super().__init__(f"CHATSEC_SEAL_KEYS has no key{named} to seal the log with.")


class PartitionHeld(Exception):
    """A legal hold is on somebody whom events of the partition are about."""


class PartitionTampered(Exception):
    """The partition is not what was sealed: dropping it would destroy the traces."""


class SpoolFull(Unavailable):
    """Neither the database nor the disk takes the evidence, so nothing is done."""

    default_code = "audit_spool_full"


class RuleRefused(Invalid):
    """The rule, or the exception from one, may not be so; `fields` says why."""

    default_code = "rule_refused"


class RuleOutdated(Conflict):
    """Somebody else changed the rule since the caller read it."""

    default_code = "rule_outdated"


class RuleExists(Conflict):
    """Another rule has this name: alerts tell rules apart by it."""

    default_code = "rule_exists"


class TrialTooLong(Invalid):
    """A rule is tried over at most 90 days."""

    default_code = "trial_too_long"
