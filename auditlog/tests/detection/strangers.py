"""People who act from networks, and what rules find of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from auditlog.constants import SCAN_SLACK
from auditlog.rules import Finding, RuleSpec, Span
from auditlog.services.detection.evaluation import evaluate
from auditlog.services.detection.places import keep_places
from auditlog.tests.detection.factories import (
    DAY,
    MINUTE,
    NOW,
    make_events,
    person,
    rule_named,
)

HOME, AWAY, OFFICE = b"h" * 16, b"a" * 16, b"o" * 16
FAILED, CODE = "accounts.sign_in_failed", "accounts.second_factor_failed"
SIGNED_IN, ASKED, READ = "accounts.signed_in", "chatbot_query", "data_access"


def rule(name: str, **parameters: object) -> RuleSpec:
    """Return the seeded rule, some of its parameters changed."""
    spec = rule_named(name).spec
    return replace(spec, parameters={**spec.parameters, **parameters})  # type: ignore[dict-item]  # as in the database


def found(spec: RuleSpec, *, now: datetime = NOW) -> list[Finding]:
    """Return what a scan finds that knows of every place up to now."""
    keep_places(now=now)
    return evaluate(spec, Span(now - SCAN_SLACK - MINUTE, now))


def be(who: UUID, network: bytes, *times: datetime, event: str = SIGNED_IN) -> None:
    """Let somebody act from a network at these times."""
    make_events(event, times, actor_pseudonym=who, network_hash=network)


def fail(who: UUID | None, network: bytes, *times: datetime, event: str = FAILED):
    """Let somebody fail to sign in as the person from a network at these times."""
    make_events(
        event,
        times,
        subject_pseudonym=who,
        network_hash=network,
        actor_kind="anonymous",
        outcome="failure",
    )


def settle() -> UUID:
    """Return somebody who has used the home network for long, and yesterday."""
    who = person()
    be(who, HOME, NOW - 20 * DAY, NOW - DAY)
    return who


GUESSED: Final = "sign_in_failures_of_strangers"
THREE: Final = (NOW - 2 * MINUTE, NOW - MINUTE, NOW)
