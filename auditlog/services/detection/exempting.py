"""Exceptions from rules: of somebody, a network or a kind of account, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from auditlog import events
from auditlog.constants import LONGEST_EXCEPTION, RULE_RESOURCE
from auditlog.errors import RuleRefused
from auditlog.models import DetectionRule, RuleException
from auditlog.notes import open_reason, seal_reason
from auditlog.registry import EventType
from auditlog.rules import FLOOR
from auditlog.services.recording import Target, record
from chatsec.core.context import current_actor
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Conflict, Denied, Json, NotFound
from chatsec.core.redaction import redact


@dataclass(frozen=True, slots=True)
class Exempted:
    """Whom an exception is about: exactly one of the three."""

    actor_pseudonym: UUID | None = None
    network_hash: bytes | None = None
    actor_kind: str = ""

    @property
    def is_one(self) -> bool:
        """Whether it names exactly one."""
        named = (self.actor_pseudonym, self.network_hash, self.actor_kind)
        return sum(1 for one in named if one) == 1


@transaction.atomic
def make_exception(
    rule_id: UUID, whom: Exempted, *, reason: str, expires_at: datetime
) -> RuleException:
    """Return the exception: the rule does not count their events until it expires.

    From a floor rule it counts once a second person has approved it.
    """
    now = timezone.now()
    # Held, so that the rule is not deleted meanwhile.
    rule = DetectionRule.objects.select_for_update().filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("There is no such rule.")
    _check(rule, whom, reason=reason)
    if not now < expires_at <= now + LONGEST_EXCEPTION:
        raise RuleRefused(fields={"expires_at": ["From now on, and within a year."]})
    maker = current_actor().id
    made = RuleException(
        rule=rule,
        actor_pseudonym=whom.actor_pseudonym,
        network_hash=whom.network_hash,
        actor_kind=whom.actor_kind,
        created_by=subject_keys().pseudonym(maker) if maker else None,
        created_at=now,
        expires_at=expires_at,
    )
    made.reason_sealed = seal_reason(made, redact(reason.strip())[:200])
    made.save(force_insert=True)
    _record(events.EXCEPTION_MADE, made)
    return made


@transaction.atomic
def approve_exception(exception_id: UUID) -> RuleException:
    """Let an exception from a floor rule count: the second of two people says so.

    Raises NotFound; Denied to whoever made it or is exempted by it; Conflict where
    there is nothing to approve any more.
    """
    found, now = _locked(exception_id), timezone.now()
    approver = current_actor().id
    pseudonym = subject_keys().pseudonym(approver) if approver else None
    if pseudonym in (None, found.created_by, found.actor_pseudonym):
        raise Denied("Somebody else must approve this.", code="own_request")
    if found.rule.name not in FLOOR:
        raise Conflict("This needs nobody's approval.", code="not_needed")
    if found.approved_at is not None or found.expires_at <= now:
        raise Conflict("It is approved already, or over.", code="already_decided")
    found.approved_by, found.approved_at = pseudonym, now
    found.save(update_fields=["approved_by", "approved_at"])
    _record(events.EXCEPTION_APPROVED, found)
    return found


@transaction.atomic
def end_exception(exception_id: UUID) -> UUID:
    """Take the exception back, its event stays; return whose rule's it was."""
    found = _locked(exception_id)
    _record(events.EXCEPTION_ENDED, found)
    found.delete()
    return found.rule_id


def _locked(exception_id: UUID) -> RuleException:
    rows = RuleException.objects.select_for_update(of=("self",)).select_related("rule")
    found = rows.filter(pk=exception_id).first()
    if found is None:
        raise NotFound("There is no such exception.")
    return found


def _check(rule: DetectionRule, whom: Exempted, *, reason: str) -> None:
    problems: dict[str, list[str]] = {}
    if not whom.is_one:
        problems["account"] = ["Name one account, one network or one kind of account."]
    if rule.is_floor and whom.actor_kind:
        # All accounts of a kind would be switching the floor off by another name.
        problems["actor_kind"] = ["From a floor rule, single accounts only."]
    if not reason.strip():
        problems["reason"] = ["Say why."]
    if problems:
        raise RuleRefused(fields=problems)


def _record(event: EventType, made: RuleException) -> None:
    person, network = made.actor_pseudonym, made.network_hash
    owner = subject_keys().subject_of(person) if person else None
    why: dict[str, Json] = {"reason": open_reason(made, owner=owner)}
    record(
        event,
        # Of the rule, so that one search finds whatever became of it.
        target=Target(RULE_RESOURCE, made.rule_id),
        subject_id=owner,
        # What is said about a person goes under that person's key.
        subject_details=why if owner else {},
        details={
            "rule": made.rule.name,
            "exception": str(made.id),
            "whom": "account" if person else made.actor_kind or "network",
            **({"network": bytes(network).hex()} if network else {}),
            # Under no key of his own any more: the column for it stays empty.
            **({"user_id": str(person)} if person and not owner else {}),
            "expires_at": made.expires_at.isoformat(),
            **({} if owner else why),
        },
    )
