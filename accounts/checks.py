"""System checks: what sign-in relies on in settings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from accounts.backends import PasswordBackend

ARGON2ID = "accounts.hashers.Argon2idHasher"
TOKEN_KEY_BYTES = 32
# axes only watches: it compares nothing.
WATCHERS = {"axes.backends.AxesStandaloneBackend"}
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.middleware.SessionActorMiddleware",
)


@register(Tags.security)
def check_backends(
    app_configs: Sequence[AppConfig] | None, **_options: object
) -> list[CheckMessage]:
    """Refuse a backend that would compare a password outside of the lockout."""
    return [
        Error(
            f"{name} can sign somebody in without a reserved try.",
            hint="Only accounts.backends.PasswordBackend compares passwords.",
            id="accounts.E001",
        )
        for name in settings.AUTHENTICATION_BACKENDS
        if name not in WATCHERS and _signs_in(import_string(name))
    ]


def _signs_in(backend: type) -> bool:
    # Django's base class has an `authenticate` that finds nobody.
    inherited = getattr(backend, "authenticate", None)
    module = getattr(inherited, "__module__", "")
    owner = getattr(inherited, "__qualname__", "")
    is_base = (module, owner) == (
        "django.contrib.auth.backends",
        "BaseBackend.authenticate",
    )
    return (
        inherited is not None
        and not is_base
        and not issubclass(backend, PasswordBackend)
    )


@register(Tags.security)
def check_sessions(
    app_configs: Sequence[AppConfig] | None, **_options: object
) -> list[CheckMessage]:
    """Refuse sessions that are not checked on each request."""
    found: list[CheckMessage] = []
    if settings.SESSION_ENGINE != "accounts.session_store":
        found.append(
            Error("SESSION_ENGINE must be accounts.session_store.", id="accounts.E002")
        )
    places = [
        settings.MIDDLEWARE.index(name) if name in settings.MIDDLEWARE else -1
        for name in MIDDLEWARE
    ]
    if -1 in places or places != sorted(places):
        found.append(
            Error(
                "The session middleware is missing or out of order.",
                hint=" then ".join(MIDDLEWARE),
                id="accounts.E003",
            )
        )
    return found


@register(Tags.security)
def check_password_list(
    app_configs: Sequence[AppConfig] | None, **_options: object
) -> list[CheckMessage]:
    """Refuse to start where the installation's own list cannot be read."""
    named = settings.CHATSEC_COMMON_PASSWORDS
    if not named or (Path(named).is_file() and os.access(named, os.R_OK)):
        return []
    return [Error("CHATSEC_COMMON_PASSWORDS names no file.", id="accounts.E007")]


@register(Tags.security)
def check_keys(
    app_configs: Sequence[AppConfig] | None, **_options: object
) -> list[CheckMessage]:
    """Refuse to start without keys for tokens, or with a weak password hash."""
    found: list[CheckMessage] = []
    keys = settings.CHATSEC_TOKEN_KEYS
    if not keys or any(len(seed) != TOKEN_KEY_BYTES for seed in keys.values()):
        found.append(
            Error("CHATSEC_TOKEN_KEYS needs 32-byte Ed25519 keys.", id="accounts.E004")
        )
    times = settings.CHATSEC_TOKEN_KEY_TIMES
    if keys and all(times.get(kid, (0, 0))[1] for kid in keys):
        found.append(
            Error("Every key in CHATSEC_TOKEN_KEYS has an end.", id="accounts.E006")
        )
    # The tests hash cheaply.
    if settings.CHATSEC_ENV != "test" and settings.PASSWORD_HASHERS[0] != ARGON2ID:
        found.append(
            Error(f"Passwords must be hashed by {ARGON2ID}.", id="accounts.E005")
        )
    return found
