"""The API's sign-in routes, below /api/v1/."""

from django.urls import path

from accounts.api import schema  # noqa: F401 - the schema registers itself
from accounts.api.views import (
    api_keys,
    factors,
    notices,
    passwords,
    sessions,
    step_up,
    tokens,
    user_sessions,
    users,
)

urlpatterns = [
    path("auth/token", tokens.TokenView.as_view(), name="api-token"),
    path("auth/token/mfa", tokens.SecondFactorView.as_view(), name="api-token-mfa"),
    path(
        "auth/token/mfa/passkey",
        tokens.SecondPasskeyView.as_view(),
        name="api-token-mfa-passkey",
    ),
    path(
        "auth/token/passkey/ask",
        tokens.PasskeyAskView.as_view(),
        name="api-token-passkey-ask",
    ),
    path(
        "auth/token/passkey",
        tokens.PasskeyTokenView.as_view(),
        name="api-token-passkey",
    ),
    path(
        "auth/step-up/passkey",
        step_up.StepUpPasskeyView.as_view(),
        name="api-step-up-passkey",
    ),
    path("auth/factors", factors.FactorsView.as_view(), name="api-factors"),
    path(
        "auth/factors/<uuid:factor_id>",
        factors.FactorView.as_view(),
        name="api-factor",
    ),
    path(
        "auth/factors/<uuid:factor_id>/confirm",
        factors.FactorConfirmView.as_view(),
        name="api-factor-confirm",
    ),
    path("auth/token/refresh", tokens.RefreshView.as_view(), name="api-refresh"),
    path("auth/token/revoke", tokens.RevokeView.as_view(), name="api-revoke"),
    path("auth/sessions", sessions.SessionsView.as_view(), name="api-sessions"),
    path(
        "auth/sessions/<uuid:session_id>",
        sessions.SessionView.as_view(),
        name="api-session",
    ),
    path("auth/password", passwords.PasswordView.as_view(), name="api-password"),
    path(
        "auth/password/reset",
        passwords.ResetAskView.as_view(),
        name="api-password-reset",
    ),
    path(
        "auth/password/reset/confirm",
        passwords.ResetView.as_view(),
        name="api-password-reset-confirm",
    ),
    path("auth/invitation", passwords.InvitationView.as_view(), name="api-invitation"),
    path("auth/email", passwords.EmailView.as_view(), name="api-email"),
    path(
        "auth/email/confirm",
        passwords.EmailConfirmView.as_view(),
        name="api-email-confirm",
    ),
    path("users", users.UsersView.as_view(), name="api-users"),
    path("users/<uuid:user_id>", users.UserView.as_view(), name="api-user"),
    path(
        "users/<uuid:user_id>/invitation",
        users.UserInvitationView.as_view(),
        name="api-user-invitation",
    ),
    path(
        "users/<uuid:user_id>/password-reset",
        users.UserResetView.as_view(),
        name="api-user-password-reset",
    ),
    path("auth/notices", notices.NoticesView.as_view(), name="api-notices"),
    path("auth/notices/seen", notices.SeenView.as_view(), name="api-notices-seen"),
    path(
        "users/<uuid:user_id>/sessions",
        user_sessions.UserSessionsView.as_view(),
        name="api-user-sessions",
    ),
    path(
        "users/<uuid:user_id>/sessions/<uuid:session_id>",
        user_sessions.UserSessionView.as_view(),
        name="api-user-session",
    ),
    path("auth/api-keys", api_keys.KeysView.as_view(), name="api-keys"),
    path("auth/api-keys/<uuid:key_id>", api_keys.KeyView.as_view(), name="api-key"),
    path("auth/step-up", step_up.StepUpView.as_view(), name="api-step-up"),
]
