"""Identity providers are added, changed, switched off and tried out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import events
from accounts.errors import ProviderUnavailable
from accounts.models import AuthSession, ExternalIdentity, IdentityProvider
from accounts.services import oidc
from accounts.services.sessions import revoke_session
from auditlog.services import Target, record
from chatsec.core.errors import Conflict, Invalid

LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
OPENID = "openid"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a try of the connection showed."""

    is_good: bool
    text: str


def save_provider(
    provider: IdentityProvider, *, client_secret: str | None, changed: Sequence[str]
) -> None:
    """Write the provider down with evidence; a secret of None stays as it is.

    Switching one off ends every session that it opened.
    """
    _check(provider)
    if client_secret is not None:
        provider.client_secret = client_secret
    with transaction.atomic():
        provider.save()
        record(
            events.PROVIDER_CHANGED,
            target=Target("accounts.identity_provider", str(provider.id)),
            details={
                "provider": provider.slug,
                "issuer": provider.issuer,
                "columns": [*sorted(changed)],
                "is_active": provider.is_active,
            },
        )
        if not provider.is_active:
            _end_sessions(provider)
    oidc.forget_published()


def remove_provider(provider: IdentityProvider) -> None:
    """Take the provider away, with evidence; raise Conflict while people use it."""
    with transaction.atomic():
        held = IdentityProvider.objects.select_for_update().get(id=provider.id)
        if ExternalIdentity.objects.filter(provider=held).exists():
            raise Conflict("People are linked to it. Switch it off instead.")
        record(
            events.PROVIDER_CHANGED,
            target=Target("accounts.identity_provider", str(held.id)),
            details={
                "provider": held.slug,
                "issuer": held.issuer,
                "columns": ["removed"],
                "is_active": False,
            },
        )
        held.delete()
    oidc.forget_published()


def _end_sessions(provider: IdentityProvider) -> None:
    opened = AuthSession.objects.filter(
        origin__identity__provider=provider, revoked_at__isnull=True
    )
    for session in opened.order_by("id"):
        revoke_session(session, because="provider_switched_off")


def _check(provider: IdentityProvider) -> None:
    try:
        provider.full_clean()
    except ValidationError as error:
        raise Invalid(
            "Some fields are not valid.", fields=dict(error.message_dict)
        ) from error
    if problem := issuer_problem(provider.issuer):
        raise Invalid(problem, fields={"issuer": [problem]})
    if OPENID not in provider.scopes:
        problem = "Without the scope openid no one is signed in."
        raise Invalid(problem, fields={"scopes": [problem]})
    if _moved(provider):
        problem = "People are linked to this issuer. Add the other one beside it."
        raise Invalid(problem, fields={"issuer": [problem]})


def issuer_problem(issuer: str) -> str:
    """Return what is wrong with an issuer's address; "" if nothing is."""
    parts = urlsplit(issuer)
    if parts.query or parts.fragment or parts.username:
        return "An issuer has no query, fragment or user name."
    if parts.scheme == "https":
        return ""
    at_home = parts.hostname is not None and parts.hostname in LOOPBACK
    if parts.scheme == "http" and at_home and settings.CHATSEC_ENV != "production":
        return ""
    return "An issuer is an https address."


def _moved(provider: IdentityProvider) -> bool:
    """Whether linked people would come in as whoever the new issuer says they are."""
    known = IdentityProvider.objects.filter(id=provider.id).first()
    if known is None or known.issuer == provider.issuer:
        return False
    return ExternalIdentity.objects.filter(provider=provider).exists()


def try_connection(provider: IdentityProvider) -> list[Finding]:
    """Ask the provider for what it publishes; say what would and would not work."""
    oidc.forget_published()
    try:
        published = oidc.discover(provider)
        keys = oidc.keys_of(provider)
    except ProviderUnavailable as error:
        return [Finding(is_good=False, text=f"No connection: {error.reason}.")]
    silent = "does not say whether it takes PKCE; it is sent anyway"
    pkce = "takes PKCE (S256)" if published.challenge_methods else silent
    named = "names itself in answers (RFC 9207)"
    unnamed = "does not name itself in answers; its own redirect address stands in"
    return [
        Finding(is_good=True, text=f"Signs with {', '.join(published.algorithms)}."),
        Finding(is_good=True, text=f"Keys that sign: {len(keys.keys)}."),
        Finding(is_good=True, text=f"It {pkce}."),
        Finding(
            is_good=True, text=f"It {named if published.names_itself else unnamed}."
        ),
        Finding(is_good=True, text=f"Register there: {oidc.callback_url(provider)}"),
    ]
