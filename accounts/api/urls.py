"""The API's sign-in routes, below /api/v1/."""

from django.urls import path

from accounts.api import schema, views  # noqa: F401 - the schema registers itself

urlpatterns = [
    path("auth/token", views.TokenView.as_view(), name="api-token"),
    path("auth/token/mfa", views.SecondFactorView.as_view(), name="api-token-mfa"),
    path("auth/token/refresh", views.RefreshView.as_view(), name="api-refresh"),
    path("auth/token/revoke", views.RevokeView.as_view(), name="api-revoke"),
    path("auth/sessions", views.SessionsView.as_view(), name="api-sessions"),
    path(
        "auth/sessions/<uuid:session_id>",
        views.SessionView.as_view(),
        name="api-session",
    ),
    path("auth/step-up", views.StepUpView.as_view(), name="api-step-up"),
]
