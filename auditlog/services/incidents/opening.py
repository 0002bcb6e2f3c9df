"""Alerts become incidents: one for everything about one person within a day."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from auditlog import events
from auditlog.constants import INCIDENT_WINDOW, SEVERITIES
from auditlog.models import Alert, DetectionRule, Incident
from auditlog.registry import EventType
from auditlog.runbooks import GENERAL, Runbook, get_runbook, runbook_of
from auditlog.services.incidents.timeline import tell
from auditlog.services.incidents.turns import take_turn
from auditlog.services.outbox import tell_routes
from auditlog.services.recording import Target, record
from chatsec.core.context import SYSTEM
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json


def take_alert(alert: Alert, *, now: datetime | None = None) -> Incident:
    """Return the incident that a new or reopened alert belongs to, open or reopened.

    Call it in the transaction that writes the alert. An alert belongs to the incident
    about the same person or network that is not resolved and saw anything within a
    day; else to one that was resolved within a day and was about the same rule, which
    is reopened; else to a new one.
    """
    now = now or timezone.now()
    with transaction.atomic():
        take_turn()
        alert.refresh_from_db(fields=["incident"])
        own = _locked(alert)
        if own is not None and own.state != "resolved":
            return _grown(own, alert, now=now)
        found = own or _unresolved(alert) or _resolved_lately(alert)
        if found is None:
            return _opened(alert, now=now)
        if found.state == "resolved":
            return _reopened(found, alert, now=now)
        return _joined(found, alert, now=now)


def alert_grew(alert: Alert, *, now: datetime | None = None) -> None:
    """Let the incident of a known alert know that it goes on."""
    with transaction.atomic():
        take_turn()
        incident = _locked(alert)
        if incident is not None and incident.state != "resolved":
            _grown(incident, alert, now=now or timezone.now())


def alert_spread(alert: Alert, *, now: datetime) -> None:
    """Tell those who deal with its incident that there is more than they know of."""
    with transaction.atomic():
        take_turn()
        incident = _locked(alert)
        if incident is not None and incident.state != "resolved":
            _joined(incident, alert, now=now)
            tell_routes(incident, "escalated", now=now)


def _locked(alert: Alert) -> Incident | None:
    if alert.incident_id is None:
        return None
    return Incident.objects.select_for_update(no_key=True).get(pk=alert.incident_id)


def _about(alert: Alert) -> str:
    if alert.actor_pseudonym is not None:
        return f"actor:{alert.actor_pseudonym}"
    if alert.group_hash is not None:
        return f"network:{bytes(alert.group_hash).hex()}"
    return f"rule:{alert.rule}"


def _unresolved(alert: Alert) -> Incident | None:
    return (
        Incident.objects.select_for_update(no_key=True)
        .filter(
            fingerprint=_about(alert),
            state__in=("open", "acknowledged"),
            last_at__gte=alert.first_at - INCIDENT_WINDOW,
        )
        .order_by("last_at")
        .last()
    )


def _resolved_lately(alert: Alert) -> Incident | None:
    same_rule = Incident.objects.filter(
        fingerprint=_about(alert),
        state="resolved",
        last_at__gte=alert.first_at - INCIDENT_WINDOW,
        alerts__rule=alert.rule,
    )
    newest = same_rule.order_by("last_at").values_list("pk", flat=True).last()
    if newest is None:
        return None
    return Incident.objects.select_for_update(no_key=True).get(pk=newest)


def _opened(alert: Alert, *, now: datetime) -> Incident:
    incident = Incident.objects.create(
        title=_title(alert),
        severity=alert.severity,
        runbook=_runbook(alert).key,
        fingerprint=_about(alert),
        actor_pseudonym=alert.actor_pseudonym,
        opened_at=now,
        raised_at=now,
        last_at=alert.last_at,
    )
    incident.refresh_from_db(fields=["number"])
    _attach(alert, incident)
    tell(incident, "opened", at=now, alert=alert, facts=_facts(alert))
    _announce(events.INCIDENT_OPENED, incident)
    tell_routes(incident, "opened", now=now)
    return incident


def _joined(incident: Incident, alert: Alert, *, now: datetime) -> Incident:
    _attach(alert, incident)
    tell(incident, "alert", at=now, alert=alert, facts=_facts(alert))
    return _grown(incident, alert, now=now)


def _reopened(incident: Incident, alert: Alert, *, now: datetime) -> Incident:
    """Make it a new task: nobody has acknowledged what happened since."""
    was = incident.verdict
    incident.state, incident.verdict, incident.raised_at = "open", "", now
    incident.acknowledged_at = incident.acknowledged_by = None
    incident.resolved_at = incident.resolved_by = None
    incident.save()
    incident.alerts.update(state=incident.state)
    _attach(alert, incident)
    facts: dict[str, Json] = {**_facts(alert), "verdict": was}
    tell(incident, "reopened", at=now, alert=alert, facts=facts)
    _announce(events.INCIDENT_REOPENED, incident)
    _grown(incident, alert, now=now)
    tell_routes(incident, "reopened", now=now)
    return incident


def _grown(incident: Incident, alert: Alert, *, now: datetime) -> Incident:
    """Bring the incident's end and severity up to those of the alert."""
    worse = SEVERITIES.index(alert.severity) > SEVERITIES.index(incident.severity)
    if worse:
        facts: dict[str, Json] = {"from": incident.severity, "to": alert.severity}
        incident.severity = alert.severity
        tell(incident, "escalated", at=now, alert=alert, facts=facts)
    if worse or alert.last_at > incident.last_at:
        incident.last_at = max(incident.last_at, alert.last_at)
        incident.save(update_fields=["severity", "last_at"])
    if worse:
        tell_routes(incident, "escalated", now=now)
    return incident


def _attach(alert: Alert, incident: Incident) -> None:
    alert.incident, alert.state = incident, incident.state
    alert.save(update_fields=["incident", "state"])


def _title(alert: Alert) -> str:
    return alert.title or _runbook(alert).title


def _runbook(alert: Alert) -> Runbook:
    """Return the runbook that the rule names; by its name where it names none."""
    rows = DetectionRule.objects.filter(name=alert.rule)
    named = rows.values_list("runbook", flat=True).first()
    if named is None or named == GENERAL.key:
        return runbook_of(alert.rule)
    return get_runbook(named)


def _facts(alert: Alert) -> dict[str, Json]:
    return {"rule": alert.rule, "count": alert.count, "severity": alert.severity}


def _announce(event: EventType, incident: Incident) -> None:
    about = incident.actor_pseudonym
    record(
        event,
        actor=SYSTEM,
        target=Target("auditlog.Incident", incident.id),
        subject_id=subject_keys().subject_of(about) if about else None,
        details={"number": incident.number, "severity": incident.severity},
    )
