"""The privacy pages."""

from django.urls import path

from privacy import views

urlpatterns = [
    path("privacy", views.privacy_page, name="privacy"),
    path("privacy/notice", views.notice_page, name="privacy-notice"),
    path("privacy/consents/<slug:purpose>", views.set_consent, name="privacy-consent"),
    path("privacy/requests", views.open_request, name="privacy-request"),
    path(
        "privacy/requests/<uuid:request_id>/cancel",
        views.cancel_request,
        name="privacy-cancel",
    ),
    path(
        "privacy/requests/<uuid:request_id>/download",
        views.download,
        name="privacy-download",
    ),
]
