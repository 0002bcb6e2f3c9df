"""The apps that people may connect: registered, changed, switched off."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import events
from accounts.models import AuthSession, OAuthApplication
from accounts.services import sessions
from auditlog.services import Target, record
from chatsec.core.crypto import blind_index
from chatsec.core.errors import Invalid

SECRET_PREFIX = "cso_"  # noqa: S105 - what a secret begins with, for scanners of leaks
SECRET_BYTES = 32


def secret_matches(application: OAuthApplication, secret: str) -> bool:
    """Whether it is the app's secret; an app without one never proves itself so."""
    if application.secret_digest is None or not secret:
        return False
    return hmac.compare_digest(
        bytes(application.secret_digest), _digest(application, secret)
    )


def register_application(**given: Any) -> tuple[OAuthApplication, str]:
    """Return the new app and, once and never again, its secret ("" if public)."""
    application = OAuthApplication(**given)
    secret = _give_secret(application)
    _validate(application)
    with transaction.atomic():
        application.save(force_insert=True)
        _record(application, what="registered")
    return application, secret


def change_application(application: OAuthApplication, **given: Any) -> None:
    """Change the app; switched off, or allowed less, it is disconnected everywhere."""
    with transaction.atomic():
        before = OAuthApplication.objects.select_for_update().get(id=application.id)
        for name, value in given.items():
            setattr(application, name, value)
        _validate(application)
        application.save()
        changed = sorted(
            name for name, value in given.items() if getattr(before, name) != value
        )
        _record(application, what="changed", columns=changed)
        if not application.is_enabled or set(before.scopes) - set(application.scopes):
            disconnect_everybody(application)


def make_new_secret(application: OAuthApplication) -> str:
    """Return the app's new secret; the old one is good for nothing from now on."""
    if application.is_public:
        raise Invalid("An app on people's devices has no secret.")
    with transaction.atomic():
        secret = _give_secret(application)
        application.save(update_fields=["secret_digest", "updated"])
        _record(application, what="new_secret")
    return secret


def disconnect_everybody(application: OAuthApplication) -> int:
    """End every session of the app; return how many were live."""
    live = AuthSession.objects.filter(application=application, revoked_at__isnull=True)
    with transaction.atomic():
        ended = list(live)
        for session in ended:
            sessions.revoke_session(session, because="app_disconnected")
    return len(ended)


def _validate(application: OAuthApplication) -> None:
    try:
        application.full_clean()
    except ValidationError as error:
        raise Invalid(
            "Some fields are not valid.", fields=error.message_dict
        ) from error


def _give_secret(application: OAuthApplication) -> str:
    if application.is_public:
        application.secret_digest = None
        return ""
    secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    application.secret_digest = _digest(application, secret)
    return secret


def _digest(application: OAuthApplication, secret: str) -> bytes:
    # 256 random bits need no slow hash; the id keeps digests from being moved.
    return blind_index("accounts.oauth.secret", f"{application.id}:{secret}")


def _record(application: OAuthApplication, *, what: str, **details: Any) -> None:
    record(
        events.APPLICATION_CHANGED,
        target=Target(
            type="accounts.oauth_application",
            id=str(application.id),
            label=application.name,
        ),
        details={"what": what, **details},
    )
