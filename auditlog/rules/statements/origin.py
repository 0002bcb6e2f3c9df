"""Whether an event came from a network in which its person, or anybody, was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from psycopg2.sql import SQL

from auditlog.constants import PLACE_DAYS, PLACES_SETTLE, SHARED_BY
from auditlog.rules.parameters import PLACE_EVENTS
from chatsec.core.errors import Json

Composable = Any  # psycopg2.sql is untyped

NOTHING: Final = SQL("")
# A place begins anew after a gap of PLACE_DAYS, so its two ends alone tell whether it
# was used in so many days before.
_KNOWN: Final = SQL("""place.network_hash = {network}
            AND place.first_at < {at} - make_interval(hours => {settles})
            AND place.last_at >= {at} - make_interval(days => %(place_days)s)""")
_OWN: Final = SQL("""EXISTS (SELECT 1 FROM auditlog_knownplace AS place
        WHERE place.actor_pseudonym = {person} AND {known})""")
_NOT_SHARED: Final = SQL(""" AND (SELECT count(*) FROM (
            SELECT 1 FROM auditlog_knownplace AS place WHERE {known}
            LIMIT %(shared_by)s) AS few) < %(shared_by)s""")
# To somebody new every place is.
_SETTLED: Final = SQL(""" AND EXISTS (SELECT 1 FROM auditlog_knownplace AS older
            WHERE older.actor_pseudonym = {person}
                AND older.first_at <= {at} - make_interval(secs => %(places_settle)s))
""")
# What the person did last before, from elsewhere.
_MOVED: Final = SQL(""" AND (SELECT before.network_hash FROM auditlog_event AS before
            WHERE before.actor_pseudonym = {person}
                AND before.event_type = ANY(%(place_events)s)
                AND before.network_hash IS NOT NULL
                AND before.occurred_at < auditlog_event.occurred_at
                AND before.occurred_at >= auditlog_event.occurred_at
                    - make_interval(secs => {moved})
            ORDER BY before.occurred_at DESC LIMIT 1) <> {network}""")
# Without some history everything would be unknown.
_LATE: Final = SQL("""{at} >= (SELECT min(first_at) FROM auditlog_knownplace)
        + make_interval(secs => %(places_settle)s)""")
# Nearly all is from one's own: what else is asked only of the rest.
_STRANGE: Final = SQL(""" AND network_hash IS NOT NULL AND {late}
    AND CASE WHEN {own} THEN false ELSE true{conditions} END""")
# What is itself a use of its place is unknown as long as the place is young. The few
# young places are judged, each once, and not every event.
_YOUNG: Final = SQL(""" AND EXISTS (SELECT 1 FROM auditlog_knownplace AS young
        WHERE young.actor_pseudonym = auditlog_event.actor_pseudonym
            AND young.network_hash = auditlog_event.network_hash
            AND young.first_at >= %(since)s - make_interval(hours => {settles})
            AND young.first_at >= auditlog_event.occurred_at
                - make_interval(hours => {settles})
            AND {late}{conditions})""")
_NEWCOMERS: Final = SQL("""SELECT DISTINCT young.actor_pseudonym AS key
        FROM auditlog_knownplace AS young
        WHERE young.first_at >= %(since)s - make_interval(hours => {settles})
            AND {late}{conditions}""")
# Nobody is the actor of a sign-in that failed.
_OF_EVENT: Final = {
    "person": SQL(
        "coalesce(auditlog_event.actor_pseudonym, auditlog_event.subject_pseudonym)"
    ),
    "network": SQL("auditlog_event.network_hash"),
    "at": SQL("auditlog_event.occurred_at"),
}
_OF_YOUNG: Final = {
    "person": SQL("young.actor_pseudonym"),
    "network": SQL("young.network_hash"),
    "at": SQL("young.first_at"),
}
# The parameters that this module understands.
WHERE_FROM: Final = ("origin", "settled", "after_other_network_within")


def where_from(
    told: Mapping[str, Json], bound: dict[str, Any], *, step: str = ""
) -> Composable:
    """Return all conditions on where the event came from; bind their values."""
    bound["place_days"] = PLACE_DAYS
    bound["places_settle"] = PLACES_SETTLE.total_seconds()
    bound["shared_by"] = SHARED_BY
    bound["place_events"] = list(PLACE_EVENTS)
    bound[f"{step}settles"] = told.get("settles_after_hours", 0)
    bound[f"{step}moved"] = told.get("after_other_network_within")
    settles = SQL("%({step}settles)s").format(step=SQL(step))
    origin = told.get("origin")
    if is_of_young_places(told):
        conditions = _conditions(told, settles, _OF_YOUNG, step=step)
        late = _LATE.format(at=_OF_YOUNG["at"])
        return _YOUNG.format(settles=settles, late=late, conditions=conditions)
    own = _OWN.format(
        person=_OF_EVENT["person"], known=_KNOWN.format(settles=settles, **_OF_EVENT)
    )
    conditions = _conditions(told, settles, _OF_EVENT, step=step)
    if origin in ("unknown", "not_own"):
        late = _LATE.format(at=_OF_EVENT["at"])
        return _STRANGE.format(late=late, own=own, conditions=conditions)
    where = SQL(" AND {own}").format(own=own) if origin else NOTHING
    return SQL("{where}{conditions}").format(where=where, conditions=conditions)


def is_of_young_places(told: Mapping[str, Json]) -> bool:
    """Whether only events count that are themselves the use of a young place."""
    is_use = set(cast("list[str]", told["events"])) <= set(PLACE_EVENTS)
    return is_use and told.get("origin") in ("unknown", "not_own")


def newcomers(told: Mapping[str, Json], bound: dict[str, Any]) -> Composable:
    """Return who uses such a place, whatever he does in it; bind the values."""
    where_from(told, bound)
    some = {name: told[name] for name in told if name != "after_other_network_within"}
    settles = SQL("%(settles)s")
    conditions = _conditions(some, settles, _OF_YOUNG, step="")
    late = _LATE.format(at=_OF_YOUNG["at"])
    return _NEWCOMERS.format(settles=settles, late=late, conditions=conditions)


def _conditions(
    told: Mapping[str, Json],
    settles: Composable,
    names: Mapping[str, Composable],
    *,
    step: str,
) -> Composable:
    parts = []
    if told.get("settled"):
        parts.append(_SETTLED.format(person=names["person"], at=names["at"]))
    if told.get("origin") == "unknown":
        known = _KNOWN.format(settles=settles, **names)
        parts.append(_NOT_SHARED.format(known=known))
    if "after_other_network_within" in told:
        moved = SQL("%({step}moved)s").format(step=SQL(step))
        person, network = names["person"], names["network"]
        parts.append(_MOVED.format(person=person, network=network, moved=moved))
    return SQL("").join(parts)
