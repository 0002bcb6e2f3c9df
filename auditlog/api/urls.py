"""Addresses of the audit log under /api/v1/."""

from django.urls import path

from auditlog.api import views

urlpatterns = [
    path("audit/events", views.EventList.as_view(), name="audit-events"),
    path("audit/events/<uuid:event_id>", views.EventOne.as_view(), name="audit-event"),
    path(
        "audit/events/<uuid:event_id>/proof",
        views.EventProof.as_view(),
        name="audit-event-proof",
    ),
    path("audit/alerts", views.AlertList.as_view(), name="audit-alerts"),
]
