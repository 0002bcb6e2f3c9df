"""The log looks after itself: once a day it is compared with its seals.

All that was sealed lately, and of what is older a few places by chance. What differs
is on record and opens an incident, unless it is one that somebody has explained.
Whoever rules the machine can keep this from running; what he cannot keep from it is
`audit_verify` with anchors of another machine, which knows of no explanations.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from auditlog import events
from auditlog.models import Alert, Incident, Seal
from auditlog.rules import DIFFERS
from auditlog.rules import Finding as Found
from auditlog.services import incidents, log_differences
from auditlog.services.detection.alerting import raise_alerts
from auditlog.services.recording import record
from auditlog.services.verification import (
    Chain,
    Finding,
    Report,
    plan_batches,
    verify_batch,
    walk_chain,
)
from chatsec.core.context import SYSTEM
from chatsec.core.errors import Json

# A day and what a late check leaves out.
RECENT: Final = timedelta(hours=26)
PLACES: Final = 3
SEALS_OF_A_PLACE: Final = 500
MOST_NAMED: Final = 20
# One of the two is enough: an alert is as far as its incident.
IS_OPEN: Final = ~Q(state="resolved") | Q(incident__state__in=("open", "acknowledged"))


def check_log(*, now: datetime) -> Report:
    """Compare the newest part of the log, and some of the rest, with the seals."""
    first = _first_since(now - RECENT)
    places = list(_by_chance(before=first))
    report = _compared(first, places)
    if not report.is_clean:
        # Retention may have taken a partition in between; that is not so twice.
        report = _compared(first, places)
    note_differences(report, now=now)
    return report


def _compared(first: int, places: Sequence[tuple[int, int]]) -> Report:
    """Return what differs from that seal on, and in the places before it."""
    chain = walk_chain(first=first)
    report = chain.report
    for place, last in places:
        report.add(walk_chain(first=place, last=last).report)
    for batch in [*plan_batches(first=first), *places]:
        report.add(_verified(batch, chain))
    return report


def note_differences(report: Report, *, now: datetime) -> None:
    """Have it on record what was looked at and, if anything differs, an incident."""
    with transaction.atomic():
        # What is known, and whether somebody is on it, stays so until the end.
        incidents.take_turn()
        new = log_differences.unknown(report.findings)
        named: list[Json] = [_named(each) for each in new[:MOST_NAMED]]
        record(
            events.LOG_CHECKED,
            actor=SYSTEM,
            # Known or not: the log is not what was sealed.
            outcome="success" if report.is_clean else "failure",
            result_count=report.events,
            details={
                "seals": report.seals,
                "faults": {**_counted(report.findings)},
                "first": named,
                "known": len(report.findings) - len(new),
            },
        )
        if new:
            _alarm(new, now=now)


def _alarm(new: list[Finding], *, now: datetime) -> None:
    """Have an incident tell of these differences, the one that is open if there is."""
    alert = _alerts().filter(IS_OPEN).last()
    if alert is not None and _is_dealt_with(alert):
        _go_on(alert, new, now=now)
        return
    if alert is None:
        alert = _raised(new, now=now)
    else:
        # Somebody said so of the one and not of the other: it begins once more.
        _note(alert, count=len(new), facts=_counted(new), now=now)
        incidents.take_alert(alert, now=now)
    incident = _incident_of(alert)
    left = _counted(log_differences.tell_of(incident, new, now=now).left)
    facts = {**_counted(new), **log_differences.note_untold(incident, left)}
    _note(alert, count=len(new), facts=facts, now=now)


def _alerts() -> QuerySet[Alert]:
    """Return the alerts about the log, the last one last; none is about anybody."""
    alerts = Alert.objects.filter(
        rule=DIFFERS.name, actor_pseudonym=None, group_hash=None
    )
    return alerts.select_related("incident").order_by("last_at")


def _is_dealt_with(alert: Alert) -> bool:
    return alert.incident is not None and alert.incident.state != "resolved"


def _raised(new: list[Finding], *, now: datetime) -> Alert:
    last = _alerts().values_list("last_at", flat=True).last()
    # After all that was found before, also where the clock was set back since.
    at = now if last is None else max(now, last + timedelta.resolution)
    found = Found(None, None, at, at, len(new), _counted(new))
    (alert,) = raise_alerts(DIFFERS, [found], now=now)
    return alert


def _go_on(alert: Alert, new: list[Finding], *, now: datetime) -> None:
    """Tell who is on it if there is more than he knows of, by number or by kind."""
    _be_severe(alert)
    incidents.alert_grew(alert, now=now)
    incident = _incident_of(alert)
    told = log_differences.tell_of(incident, new, now=now)
    known = log_differences.noted_untold(incident, alert.facts)
    # Chance looks at other places each day: the same again need not be as many.
    left = dict(Counter(known) | Counter(_counted(told.left)))
    if told.new or left != known:
        count = incident.differences.filter(known_mark=None).count() + len(told.left)
        facts = {**_counted(new), **log_differences.note_untold(incident, left)}
        _note(alert, count=count, facts=facts, now=now)
        incidents.alert_spread(alert, now=now)


def _be_severe(alert: Alert) -> None:
    """Have the alert as severe as this is, whoever wrote it."""
    if (alert.severity, alert.title) != (DIFFERS.severity, DIFFERS.title):
        alert.severity, alert.title = DIFFERS.severity, DIFFERS.title
        alert.save(update_fields=["severity", "title"])


def _note(
    alert: Alert, *, count: int, facts: Mapping[str, Json], now: datetime
) -> None:
    _be_severe(alert)
    alert.count, alert.facts = count, dict(facts)
    alert.last_at = max(now, alert.last_at)
    alert.save(update_fields=["count", "facts", "last_at"])


def _incident_of(alert: Alert) -> Incident:
    return Incident.objects.get(alerts=alert)


def _counted(findings: list[Finding]) -> dict[str, int]:
    return dict(Counter(str(each.fault) for each in findings))


def _first_since(since: datetime) -> int:
    """Return the number of the first seal since then; the last of all if none is."""
    numbers = Seal.objects.order_by("-number").values_list("number", flat=True)
    # From the newest backwards, as far as they are young: no index knows their times.
    before = numbers.filter(sealed_at__lt=since).first() or 0
    return min(before + 1, numbers.first() or 1)


def _by_chance(*, before: int) -> Iterator[tuple[int, int]]:
    for _ in range(PLACES if before > 1 else 0):
        place = secrets.randbelow(before - 1) + 1
        last = min(place + SEALS_OF_A_PLACE, before - 1)
        yield from plan_batches(first=place, last=last)[:1]


def _verified(batch: tuple[int, int], chain: Chain) -> Report:
    swept = frozenset(chain.swept)
    return verify_batch(*batch, pruned=chain.pruned, swept=swept)


def _named(found: Finding) -> str:
    """Return a finding in a line: machine's words and ids."""
    return f"{found.fault} {found.event_id or f'seal {found.seal}'}"
