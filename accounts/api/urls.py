"""The API's sign-in routes, below /api/v1/."""

from django.urls import path

from accounts.api import schema  # noqa: F401 - the schema registers itself
from accounts.api.views import sessions, step_up, tokens

urlpatterns = [
    path("auth/token", tokens.TokenView.as_view(), name="api-token"),
    path("auth/token/mfa", tokens.SecondFactorView.as_view(), name="api-token-mfa"),
    path("auth/token/refresh", tokens.RefreshView.as_view(), name="api-refresh"),
    path("auth/token/revoke", tokens.RevokeView.as_view(), name="api-revoke"),
    path("auth/sessions", sessions.SessionsView.as_view(), name="api-sessions"),
    path(
        "auth/sessions/<uuid:session_id>",
        sessions.SessionView.as_view(),
        name="api-session",
    ),
    path("auth/step-up", step_up.StepUpView.as_view(), name="api-step-up"),
]
