"""Where each person and program acts from, kept up to the moment of a scan."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from auditlog.constants import PLACE_DAYS, PLACES_KEPT_DAYS, SCAN_SLACK
from auditlog.habit_turns import take_turn_to_write
from auditlog.models import KnownPlace, RuleRun
from auditlog.rules.parameters import PLACE_EVENTS
from auditlog.rules.statements.common import Bound, categories_of
from chatsec.core.crypto import subject_keys

DAY: Final = timedelta(days=1)
# No rule has this name: it is no slug.
RUN: Final = "known places"
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('chatsec places'))"
# After a long gap a place begins anew, as if nobody had been there.
_KEEP: Final = """
    INSERT INTO auditlog_knownplace AS place
        (actor_pseudonym, network_hash, first_at, last_at)
    SELECT actor_pseudonym, network_hash, min(occurred_at), max(occurred_at)
    FROM auditlog_event
    WHERE occurred_at >= %(since)s AND occurred_at <= %(until)s
        AND category = ANY(%(categories)s) AND event_type = ANY(%(types)s)
        AND actor_pseudonym IS NOT NULL AND network_hash IS NOT NULL
        AND actor_kind <> 'system'
    GROUP BY 1, 2
    ON CONFLICT (actor_pseudonym, network_hash) DO UPDATE SET
        first_at = CASE WHEN excluded.first_at
            > place.last_at + make_interval(days => %(days)s) THEN excluded.first_at
            ELSE least(place.first_at, excluded.first_at) END,
        last_at = greatest(place.last_at, excluded.last_at)
    WHERE excluded.last_at > place.last_at + interval '1 hour'
        OR excluded.first_at < place.first_at
    RETURNING CASE WHEN xmax = 0 THEN actor_pseudonym END
"""


def keep_places(*, now: datetime) -> int:
    """Take in where people acted from since the last time; return how many are new.

    The first time it goes back as far as a place stays known.
    """
    made = 0
    while True:
        step, is_last = _keep_next(now=now)
        made += step
        if is_last:
            return made


def forget_places(*, now: datetime) -> int:
    """Delete places that nobody has used for long; return how many."""
    before = now - timedelta(days=PLACES_KEPT_DAYS)
    return KnownPlace.objects.filter(last_at__lt=before).delete()[0]


def _keep_next(*, now: datetime) -> tuple[int, bool]:
    """Take in a day at most; return how many places are new, and whether it is done."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
        take_turn_to_write()
        run, _ = RuleRun.objects.get_or_create(rule=RUN)
        oldest = now - timedelta(days=PLACE_DAYS)
        done = run.scanned_until
        since = max(min(done, now) - SCAN_SLACK, oldest) if done else oldest
        until = min(since + DAY, now)
        bound: Bound = {
            "since": since,
            "until": until,
            "days": PLACE_DAYS,
            "types": list(PLACE_EVENTS),
            "categories": categories_of(PLACE_EVENTS),
        }
        cursor.execute(_KEEP, bound)
        fresh = [row[0] for row in cursor.fetchall() if row[0] is not None]
        _forget_erased(set(fresh))
        run.scanned_until = until
        run.save(update_fields=["scanned_until"])
    return len(fresh), until >= now


def _forget_erased(people: set[UUID]) -> None:
    """Delete what was just kept of pseudonyms that lead to nobody any more."""
    gone = people - set(subject_keys().subjects_of(people)) if people else set()
    if gone:
        KnownPlace.objects.filter(actor_pseudonym__in=gone).delete()
