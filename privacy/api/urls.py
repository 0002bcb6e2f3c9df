"""The API's privacy routes, below /api/v1/."""

from django.urls import path

from privacy.api import views

urlpatterns = [
    path("privacy/notice", views.NoticeView.as_view(), name="api-privacy-notice"),
    path("privacy/consents", views.ConsentsView.as_view(), name="api-privacy-consents"),
    path(
        "privacy/consents/<slug:purpose>",
        views.ConsentView.as_view(),
        name="api-privacy-consent",
    ),
    path("privacy/requests", views.RequestsView.as_view(), name="api-privacy-requests"),
    path(
        "privacy/requests/<uuid:request_id>",
        views.RequestView.as_view(),
        name="api-privacy-request",
    ),
    path(
        "privacy/requests/<uuid:request_id>/cancel",
        views.CancelView.as_view(),
        name="api-privacy-cancel",
    ),
    path(
        "privacy/requests/<uuid:request_id>/download",
        views.DownloadView.as_view(),
        name="api-privacy-download",
    ),
]
