"""Whether an event came from a network in which its person, or anybody, was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from psycopg2.sql import SQL

from auditlog.constants import PLACE_DAYS, PLACES_SETTLE, SHARED_BY
from auditlog.rules.parameters import PLACE_EVENTS
from chatsec.core.errors import Json

Composable = Any  # psycopg2.sql is untyped

# A place begins anew after a gap of PLACE_DAYS, so its two ends alone tell whether it
# was used in so many days before.
_KNOWN: Final = SQL("""place.network_hash = auditlog_event.network_hash
            AND place.first_at < auditlog_event.occurred_at
                - make_interval(hours => {settles})
            AND place.last_at >= auditlog_event.occurred_at
                - make_interval(days => %(place_days)s)""")
# Nobody is the actor of a sign-in that failed.
_OWN: Final = SQL("""EXISTS (SELECT 1 FROM auditlog_knownplace AS place
        WHERE place.actor_pseudonym = coalesce(
                auditlog_event.actor_pseudonym, auditlog_event.subject_pseudonym)
            AND {known})""")
# Without some history everything would be unknown.
_NOT_OWN: Final = SQL(""" AND network_hash IS NOT NULL
    AND occurred_at >= (SELECT min(first_at) FROM auditlog_knownplace)
        + make_interval(secs => %(places_settle)s)
    AND NOT {own}""")
_NOT_SHARED: Final = SQL(""" AND (SELECT count(*) FROM (
        SELECT 1 FROM auditlog_knownplace AS place WHERE {known}
        LIMIT %(shared_by)s) AS few) < %(shared_by)s""")
# Of what is itself a use of the place, the young places are all that can be unknown.
_YOUNG: Final = SQL(""" AND (actor_pseudonym, network_hash) IN (
        SELECT young.actor_pseudonym, young.network_hash
        FROM auditlog_knownplace AS young
        WHERE young.first_at >= %(since)s - make_interval(hours => {settles}))""")
# To somebody new every place is.
_SETTLED: Final = SQL(""" AND EXISTS (SELECT 1 FROM auditlog_knownplace AS older
        WHERE older.actor_pseudonym = coalesce(
                auditlog_event.actor_pseudonym, auditlog_event.subject_pseudonym)
            AND older.first_at <= auditlog_event.occurred_at
                - make_interval(secs => %(places_settle)s))""")


# What the person did last before, from elsewhere.
_MOVED: Final = SQL(""" AND (SELECT before.network_hash FROM auditlog_event AS before
        WHERE before.actor_pseudonym = auditlog_event.actor_pseudonym
            AND before.event_type = ANY(%(place_events)s)
            AND before.network_hash IS NOT NULL
            AND before.occurred_at < auditlog_event.occurred_at
            AND before.occurred_at >= auditlog_event.occurred_at
                - make_interval(secs => %({step}moved_within)s)
        ORDER BY before.occurred_at DESC LIMIT 1) <> auditlog_event.network_hash""")
# The parameters that this module understands.
WHERE_FROM: Final = ("origin", "settled", "after_other_network_within")


def where_from(
    told: Mapping[str, Json], bound: dict[str, Any], *, step: str = ""
) -> Composable:
    """Return all conditions on where the event came from; bind their values."""
    bound["places_settle"] = PLACES_SETTLE.total_seconds()
    parts = []
    if told.get("settled"):
        parts.append(_SETTLED)
    if "origin" in told:
        parts.append(origin_of(told, bound, step=step))
    if "after_other_network_within" in told:
        bound[f"{step}moved_within"] = told["after_other_network_within"]
        bound["place_events"] = list(PLACE_EVENTS)
        parts.append(_MOVED.format(step=SQL(step)))
    return SQL("").join(parts)


def origin_of(
    told: Mapping[str, Json], bound: dict[str, Any], *, step: str = ""
) -> Composable:
    """Return the condition on where the event came from; bind its values."""
    bound["place_days"] = PLACE_DAYS
    bound["places_settle"] = PLACES_SETTLE.total_seconds()
    bound["shared_by"] = SHARED_BY
    bound[f"{step}settles"] = told.get("settles_after_hours", 0)
    settles = SQL("%({step}settles)s").format(step=SQL(step))
    known = _KNOWN.format(settles=settles)
    own = _OWN.format(known=known)
    if told["origin"] == "own":
        return SQL(" AND {own}").format(own=own)
    parts = [_NOT_OWN.format(own=own)]
    if told["origin"] == "unknown":
        parts.append(_NOT_SHARED.format(known=known))
    if set(cast("list[str]", told["events"])) <= set(PLACE_EVENTS):
        parts.insert(0, _YOUNG.format(settles=settles))
    return SQL("").join(parts)
