"""A provider ends what it has signed in (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import events, id_tokens
from accounts.errors import ProviderRefused
from accounts.id_tokens import Verified
from accounts.models import (
    AuthSession,
    IdentityChannel,
    IdentityProvider,
    SpentToken,
)
from accounts.models.identities import identity_digest, sid_digest
from accounts.services import oidc
from accounts.services.sessions import revoke_session
from auditlog.services import Target, record
from chatsec.core.crypto import blind_index


def take_logout(provider: IdentityProvider, raw: str) -> int:
    """End the sessions that the provider's token names; return how many.

    Raises ProviderRefused for a token that is not the provider's own, is old, or was
    used before; ProviderUnavailable where its keys cannot be had.
    """
    told = _verified(provider, raw)
    with transaction.atomic():
        _spend(provider, told)
        ended = list(_named(provider, told).order_by("id"))
        for session in ended:
            revoke_session(session, because="provider_signed_out")
        record(
            events.PROVIDER_SIGNED_OUT,
            target=Target("accounts.identity_provider", str(provider.id)),
            details={"provider": provider.slug, "sessions": len(ended)},
        )
    return len(ended)


def _verified(provider: IdentityProvider, raw: str) -> Verified:
    expected = id_tokens.Expected(
        issuer=provider.issuer,
        client_id=provider.client_id,
        algorithms=oidc.discover(provider).algorithms,
    )
    try:
        return oidc.with_keys(
            provider,
            lambda keys: id_tokens.verify_logout_token(
                raw, keys, expected=expected, now=timezone.now()
            ),
        )
    except id_tokens.TokenRefused as error:
        raise ProviderRefused(error.reason) from error


def _spend(provider: IdentityProvider, told: Verified) -> None:
    """Note the token's id: of any number of deliveries the first counts."""
    ends_at = told.claims["exp"]
    if not isinstance(ends_at, int | float) or ends_at > _latest():
        raise ProviderRefused("exp")
    digest = blind_index("accounts.logout", f"{provider.id}|{told.text('jti')}")
    try:
        with transaction.atomic():
            SpentToken(
                digest=digest,
                expires_at=datetime.fromtimestamp(ends_at, UTC) + id_tokens.LEEWAY,
            ).save(force_insert=True)
    except IntegrityError as error:
        raise ProviderRefused("used before") from error


def _latest() -> float:
    # A token for years would have to be remembered for years.
    return (timezone.now() + id_tokens.LOGOUT_LIFE).timestamp()


def _named(
    provider: IdentityProvider, told: Verified
) -> QuerySet[AuthSession, AuthSession]:
    """Return the live sessions of the provider's session, or of its whole subject."""
    live = AuthSession.objects.filter(
        revoked_at__isnull=True, origin__identity__provider=provider
    )
    if sid := told.text("sid"):
        live = live.filter(origin__sid_digest=sid_digest(provider.id, sid))
    if told.subject:
        digest = identity_digest(
            IdentityChannel.OIDC, tenant=provider.issuer, subject=told.subject
        )
        live = live.filter(origin__identity__digest=digest)
    return live
