"""The pages of sign-in, and the key set."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("sign-in", views.sign_in_page, name="sign-in"),
    path("sign-in/code", views.code_page, name="sign-in-code"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("account", views.account_page, name="account"),
    path(
        "account/sessions/<uuid:session_id>/revoke",
        views.revoke_session,
        name="account-session-revoke",
    ),
    path(
        "account/authenticator", views.authenticator_page, name="account-authenticator"
    ),
    path(".well-known/jwks.json", views.key_set, name="jwks"),
]
