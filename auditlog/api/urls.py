"""Addresses of the audit log under /api/v1/."""

from django.urls import path

from auditlog.api.views import (
    alerts,
    events,
    exports,
    incidents,
    people,
    rules,
    searches,
    tail,
)

urlpatterns = [
    path("audit/events", events.EventList.as_view(), name="audit-events"),
    path(
        "audit/events/export",
        exports.EventExport.as_view(),
        name="audit-event-export",
    ),
    path(
        "audit/events/counts",
        events.EventCounts.as_view(),
        name="audit-event-counts",
    ),
    path("audit/events/<uuid:event_id>", events.EventOne.as_view(), name="audit-event"),
    path(
        "audit/events/<uuid:event_id>/proof",
        events.EventProof.as_view(),
        name="audit-event-proof",
    ),
    path("audit/tail", tail.EventTail.as_view(), name="audit-tail"),
    path("audit/searches", searches.SearchList.as_view(), name="audit-searches"),
    path(
        "audit/searches/<uuid:search_id>",
        searches.SearchOne.as_view(),
        name="audit-search-one",
    ),
    path(
        "audit/rules/<slug:rule>/history",
        rules.RuleHistory.as_view(),
        name="audit-rule-history",
    ),
    path(
        "audit/people/<uuid:pseudonym>",
        people.PersonOne.as_view(),
        name="audit-person-one",
    ),
    path("audit/alerts", alerts.AlertList.as_view(), name="audit-alerts"),
    path(
        "audit/incidents", incidents.IncidentList.as_view(), name="audit-incident-list"
    ),
    path(
        "audit/incidents/<uuid:incident_id>",
        incidents.IncidentOne.as_view(),
        name="audit-incident-one",
    ),
    path(
        "audit/incidents/<uuid:incident_id>/acknowledge",
        incidents.IncidentAcknowledge.as_view(),
        name="audit-incident-acknowledge",
    ),
    path(
        "audit/incidents/<uuid:incident_id>/resolve",
        incidents.IncidentResolve.as_view(),
        name="audit-incident-resolve",
    ),
    path(
        "audit/incidents/<uuid:incident_id>/notes",
        incidents.IncidentNotes.as_view(),
        name="audit-incident-notes",
    ),
    path(
        "audit/incidents/<uuid:incident_id>/evidence",
        incidents.IncidentEvidence.as_view(),
        name="audit-incident-evidence",
    ),
]
