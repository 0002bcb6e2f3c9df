"""The pages of sign-in, and the key set."""

from django.urls import include, path

from accounts.views import (
    api_keys,
    authenticator,
    confirm,
    email_change,
    factors,
    invitations,
    outbox,
    passkeys,
    passwords,
    providers,
    security,
    sign_in,
    well_known,
)

urlpatterns = [
    path("sign-in", sign_in.sign_in_page, name="sign-in"),
    path("sign-in/code", sign_in.code_page, name="sign-in-code"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("password/forgotten", passwords.forgotten_page, name="password-forgotten"),
    path("password/reset", passwords.reset_page, name="password-reset"),
    path("invitation", invitations.invitation_page, name="invitation"),
    path("account/password", passwords.change_page, name="account-password"),
    path("account/email", email_change.email_page, name="account-email"),
    path(
        "account/email/confirm",
        email_change.confirm_page,
        name="account-email-confirm",
    ),
    path("sign-in/with/<slug:slug>", providers.begin, name="provider-begin"),
    path(
        "sign-in/with/<slug:slug>/callback",
        providers.callback,
        name="provider-callback",
    ),
    path(
        "sign-in/with/<slug:slug>/logout",
        providers.back_channel_logout,
        name="provider-logout",
    ),
    path("invitation/with/<slug:slug>", providers.accept, name="provider-accept"),
    path("account/identities/link/<slug:slug>", providers.link, name="identity-link"),
    path(
        "account/identities/<uuid:identity_id>/unlink",
        providers.unlink,
        name="identity-unlink",
    ),
    path(
        "account/confirm/with/<slug:slug>",
        providers.confirm,
        name="account-confirm-with",
    ),
    path("account/confirm", confirm.confirm_page, name="account-confirm"),
    path("account", security.account_page, name="account"),
    path(
        "account/sessions/revoke-others",
        security.revoke_other_sessions,
        name="account-sessions-revoke-others",
    ),
    path(
        "account/sessions/<uuid:session_id>/name",
        security.rename_session,
        name="account-session-name",
    ),
    path("account/notices/seen", security.see_notices, name="account-notices-seen"),
    path(
        "account/sessions/<uuid:session_id>/revoke",
        security.revoke_session,
        name="account-session-revoke",
    ),
    path(
        "account/authenticator",
        authenticator.authenticator_page,
        name="account-authenticator",
    ),
    path("account/api-keys", api_keys.keys_page, name="account-api-keys"),
    path("account/api-keys/new", api_keys.new_key_page, name="account-api-key-new"),
    path(
        "account/api-keys/<uuid:key_id>/revoke",
        api_keys.revoke_key,
        name="account-api-key-revoke",
    ),
    path("outbox", outbox.outbox_page, name="outbox"),
    path(
        "account/second-factor",
        factors.factor_required_page,
        name="account-factor-required",
    ),
    path(
        "account/recovery-codes",
        factors.recovery_codes_page,
        name="account-recovery-codes",
    ),
    path(
        "account/factors/<uuid:handle>/name",
        factors.rename_factor,
        name="account-factor-name",
    ),
    path(
        "account/factors/<uuid:handle>/remove",
        factors.remove_factor,
        name="account-factor-remove",
    ),
    path("", include("accounts.oauth.urls")),
    path("account/passkeys", passkeys.passkey_page, name="account-passkey"),
    path("account/passkeys/ask", passkeys.ask_new_passkey, name="account-passkey-ask"),
    path(
        "account/confirm/passkey/ask",
        passkeys.ask_to_confirm,
        name="account-confirm-passkey-ask",
    ),
    path(
        "account/confirm/passkey",
        passkeys.confirm_with_passkey,
        name="account-confirm-passkey",
    ),
    path("sign-in/passkey", passkeys.sign_in_with_passkey, name="sign-in-passkey"),
    path(
        "sign-in/code/passkey",
        passkeys.finish_with_passkey,
        name="sign-in-code-passkey",
    ),
    path(".well-known/jwks.json", well_known.key_set, name="jwks"),
]
