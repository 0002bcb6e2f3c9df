"""Pages of the audit log in the admin site."""

from django.urls import path

from auditlog.pages import (
    event,
    evidence,
    exports,
    incidents,
    live,
    person,
    routes,
    rules,
    sealing,
    search,
    searches,
    trials,
)

urlpatterns = [
    path("admin/audit/search", search.search, name="audit-search"),
    path("admin/audit/live", live.live, name="audit-live"),
    path("admin/audit/export", exports.export, name="audit-export"),
    path(
        "admin/audit/searches/<uuid:search_id>/delete",
        searches.delete,
        name="audit-search-delete",
    ),
    path(
        "admin/audit/events/<uuid:event_id>", event.event_page, name="audit-event-page"
    ),
    path(
        "admin/audit/events/<uuid:event_id>/proof", event.proof, name="audit-event-file"
    ),
    path(
        "admin/audit/people/<uuid:pseudonym>",
        person.person_page,
        name="audit-person",
    ),
    path("admin/audit/incidents", incidents.incident_list, name="audit-incidents"),
    path(
        "admin/audit/incidents/<uuid:pk>",
        incidents.incident_page,
        name="audit-incident",
    ),
    path(
        "admin/audit/incidents/<uuid:pk>/evidence",
        evidence.incident_evidence,
        name="audit-incident-file",
    ),
    path("admin/audit/rules", rules.rule_list, name="audit-rules"),
    path("admin/audit/rules/new", rules.rule_new, name="audit-rule-new"),
    path("admin/audit/rules/<uuid:pk>", rules.rule_page, name="audit-rule"),
    path(
        "admin/audit/rules/<uuid:pk>/history",
        rules.rule_history,
        name="audit-rule-history",
    ),
    path(
        "admin/audit/rules/<uuid:pk>/trial", trials.rule_trial, name="audit-rule-trial"
    ),
    path("admin/audit/trials/<uuid:pk>", trials.trial_page, name="audit-trial"),
    path(
        "admin/audit/trials/<uuid:pk>/delete",
        trials.trial_delete,
        name="audit-trial-delete",
    ),
    path(
        "admin/audit/exceptions/<uuid:pk>/approve",
        rules.exception_approve,
        name="audit-exception-approve",
    ),
    path(
        "admin/audit/exceptions/<uuid:pk>/end",
        rules.exception_end,
        name="audit-exception-end",
    ),
    path("admin/audit/seals", sealing.seals, name="audit-seals"),
    path("admin/audit/retention", sealing.retention, name="audit-retention"),
    path("admin/audit/routes", routes.route_list, name="audit-routes"),
    path("admin/audit/routes/new", routes.route_new, name="audit-route-new"),
    path("admin/audit/routes/<uuid:pk>", routes.route_page, name="audit-route"),
]
