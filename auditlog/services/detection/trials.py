"""Rules tried over the past: short ones at once, long ones by a worker, part by part.

A part that was looked through is kept. Who works on a trial holds a lease; one that was
killed does not renew it, and another goes on where it was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from psycopg2.errors import QueryCanceled
from uuid_utils.compat import uuid7

from auditlog import events, selectors
from auditlog.constants import RULE_RESOURCE
from auditlog.models import DetectionRule, RuleTrial
from auditlog.rules import Finding, Span
from auditlog.services.detection import trying
from auditlog.services.detection.trying import DryRun
from auditlog.services.recording import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Denied, Json

logger = logging.getLogger(__name__)
KEPT_FOR: Final = timedelta(days=1)
MOST_OPEN: Final = 3
# In the whole installation: the scan of every minute needs workers and the disk too.
AT_ONCE: Final = 2
MOST_FINDINGS: Final = 5_000
MOST_ATTEMPTS: Final = 3
# Longer than one part can take.
LEASE: Final = timedelta(minutes=2)
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('chatsec rule trials'))"
TOO_LONG: Final = "One part of it takes longer than a minute: try fewer days."
TOO_MANY: Final = (
    f"It finds more than {MOST_FINDINGS:,} episodes: make the rule stricter, or try"
    " fewer days."
)
CHANGED: Final = "The rule was changed meanwhile: try it again."
Worked = Literal["done", "more", "not_ours"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one who works on a trial stays at it, and who he is."""

    seconds: float
    is_waited_for: bool = False


# Somebody looks at an empty page meanwhile, and a thread of the server is taken.
AT_ONCE_OR_LATER: Final = Patience(4.0, is_waited_for=True)
# The queue has other work: a worker goes on with it in between.
IN_TURNS: Final = Patience(30.0)


class _LeaseLost(Exception):
    """The trial was deleted, or somebody else is at it."""


def open_trial(
    actor: Actor, rule: DetectionRule, *, days: int, now: datetime
) -> RuleTrial:
    """Return a trial over the last days that nobody has worked on yet.

    That somebody looks is on record. Raises TrialTooLong, and Conflict while too many
    of the actor's are open.
    """
    if actor.id is None:
        raise Denied("Only somebody who is signed in tries rules.")
    since = now - timedelta(days=days)
    trying.spans_of(rule.spec, since=since, until=now)
    with transaction.atomic():
        # Two that come at once wait for each other here.
        get_user_model().objects.select_for_update(no_key=True).get(pk=actor.id)
        mine = RuleTrial.objects.filter(owner_id=actor.id, state="open")
        if mine.count() >= MOST_OPEN:
            message = f"{MOST_OPEN} of your trials still run: wait, or delete one."
            raise Conflict(message, code="too_many_trials")
        target = Target(RULE_RESOURCE, rule.id, label=rule.name)
        record(events.RULE_TRIED, actor=actor, target=target, details={"days": days})
        return RuleTrial.objects.create(
            rule=rule,
            rule_version=rule.version,
            owner_id=actor.id,
            days=days,
            since=since,
            until=now,
            looked_until=since,
            created_at=now,
            expires_at=now + KEPT_FOR,
        )


def work_on(trial_id: UUID, patience: Patience, *, now: datetime) -> Worked:
    """Look through what is left as far as patience goes; say what became of it."""
    trial = _claim(trial_id, now=now)
    if trial is None:
        return "not_ours"
    try:
        return _work(trial, patience)
    except _LeaseLost:
        return "not_ours"
    except Exception as error:
        # The type only: a message may quote what was looked for.
        logger.exception("a trial of a detection rule failed")
        return _settle(trial, f"It failed: {type(error).__name__}.")


def delete_trial(actor: Actor, trial_id: UUID, *, sees_all: bool) -> None:
    """Delete a trial; whoever works on it stops. Raises NotFound."""
    selectors.get_trial(actor, trial_id, sees_all=sees_all)
    RuleTrial.objects.filter(pk=trial_id).delete()


def result_of(trial: RuleTrial) -> DryRun:
    """Return what was found up to where it was looked."""
    found = [_read(one) for one in cast("list[list[Json]]", trial.findings)]
    spec = trial.rule.spec
    return trying.summed_up(spec, found, since=trial.since, until=trial.until)


def waiting_trials(*, now: datetime) -> list[UUID]:
    """Return the open trials that nobody is at, the oldest first."""
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    rows = RuleTrial.objects.filter(free, state="open").order_by("created_at")
    return list(rows.values_list("id", flat=True)[:AT_ONCE])


def delete_expired(*, now: datetime) -> int:
    """Delete the trials that were kept long enough; return how many."""
    return RuleTrial.objects.filter(expires_at__lte=now).delete()[0]


def _claim(trial_id: UUID, *, now: datetime) -> RuleTrial | None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME)
        if RuleTrial.objects.filter(leased_until__gt=now).count() >= AT_ONCE:
            return None
        rows = RuleTrial.objects.select_for_update(of=("self",)).select_related("rule")
        trial = rows.filter(pk=trial_id, state="open").first()
        if trial is None or (trial.leased_until or now) > now:
            return None
        trial.attempts += 1
        trial.lease, trial.leased_until = uuid7(), now + LEASE
        trial.save(update_fields=["attempts", "lease", "leased_until"])
        return trial


def _work(trial: RuleTrial, patience: Patience) -> Worked:
    if trial.attempts > MOST_ATTEMPTS:
        return _settle(trial, "It was given up: whoever worked on it was stopped.")
    rule = trial.rule
    if rule.version != trial.rule_version:
        return _settle(trial, CHANGED)
    ends_at = time.monotonic() + patience.seconds
    exempt = trying.exempt_from(rule.spec, now=trial.until)
    for span in _left(trial):
        left = ends_at - time.monotonic()
        if left <= 0:
            return _let_go(trial)
        seconds = left if patience.is_waited_for else trying.STATEMENT_SECONDS
        try:
            found = trying.look(rule.spec, span, exempt, seconds=seconds)
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            # A worker has more time for this part.
            is_short = patience.is_waited_for
            return _let_go(trial) if is_short else _settle(trial, TOO_LONG)
        if len(trial.findings) + len(found) > MOST_FINDINGS:
            return _settle(trial, TOO_MANY)
        _keep(trial, span, found)
    return _settle(trial, "")


def _left(trial: RuleTrial) -> Sequence[Span]:
    spec, until = trial.rule.spec, trial.until
    if trial.looked_until >= until:
        return []
    return trying.spans_of(spec, since=trial.looked_until, until=until)


def _keep(trial: RuleTrial, span: Span, found: Sequence[Finding]) -> None:
    """Write a part down, and that somebody is still at it; raise _LeaseLost."""
    trial.findings += [_written(one) for one in found]
    trial.looked_until = span.until
    _update(
        trial,
        findings=trial.findings,
        looked_until=span.until,
        leased_until=timezone.now() + LEASE,
        attempts=1,
    )


def _let_go(trial: RuleTrial) -> Worked:
    """Leave the rest to a worker; that one's patience ended is no failed try."""
    _update(trial, lease=None, leased_until=None, attempts=0)
    return "more"


def _settle(trial: RuleTrial, problem: str) -> Worked:
    state = "failed" if problem else "done"
    _update(trial, state=state, problem=problem, lease=None, leased_until=None)
    return "done"


def _update(trial: RuleTrial, **columns: object) -> None:
    mine = RuleTrial.objects.filter(pk=trial.pk, lease=trial.lease)
    if not mine.update(**columns):
        raise _LeaseLost


def _written(one: Finding) -> list[Json]:
    return [
        str(one.actor_pseudonym) if one.actor_pseudonym else None,
        one.group_hash.hex() if one.group_hash is not None else None,
        one.first_at.isoformat(),
        one.last_at.isoformat(),
        one.count,
        dict(one.facts),
    ]


def _read(row: list[Json]) -> Finding:
    actor, group, first_at, last_at, count, facts = row
    return Finding(
        actor_pseudonym=UUID(str(actor)) if actor else None,
        group_hash=bytes.fromhex(str(group)) if group is not None else None,
        first_at=datetime.fromisoformat(str(first_at)),
        last_at=datetime.fromisoformat(str(last_at)),
        count=int(str(count)),
        facts=cast("dict[str, Json]", facts),
    )
