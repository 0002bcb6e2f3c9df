"""People and sessions for tests, made by the same services as real ones."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Unpack

from django.conf import settings
from django.contrib.auth.hashers import get_hasher, make_password
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from accounts.models import (
    AuthSession,
    ExternalIdentity,
    IdentityChannel,
    IdentityProvider,
    TOTPFactor,
    User,
)
from accounts.passwords import check_password_policy
from accounts.selectors import list_factors
from accounts.services import (
    identities,
    identity_providers,
    people,
    proof,
    sessions,
    sign_in,
    tokens,
)
from accounts.services.factors import enrol_totp
from accounts.session_store import SessionStore
from accounts.tests.provider import CLIENT_ID, CLIENT_SECRET, SUBJECT

PASSWORD = "plum violin carries seven lanterns"
AMR_PASSWORD = ("pwd",)
AMR_SECOND_FACTOR = ("pwd", "otp", "mfa")


def make_user(
    username: str,
    *,
    password: str | None = PASSWORD,
    totp: bool = False,
    **profile: Unpack[people.Profile],
) -> User:
    """Return a user; with `totp` he has a confirmed authenticator app."""
    profile.setdefault("email", f"{username}@example.org")
    profile.setdefault("display_name", username.capitalize())
    known = password == PASSWORD
    user = people.create_user(username, password=None if known else password, **profile)
    if known:
        user.password = _hash_by(get_hasher().algorithm)
        user.save(update_fields=["password"])
    if totp:
        factor = enrol_totp(user)
        TOTPFactor.objects.filter(id=factor.id).update(confirmed=True)
    return user


@cache
def _hash_by(algorithm: str) -> str:
    """Return PASSWORD's hash; to score it anew was more than half of a user's cost."""
    check_password_policy(PASSWORD)
    return make_password(PASSWORD, hasher=algorithm)


def totp_code(user: User, at: datetime | None = None) -> str:
    """Return a code that is good at the moment (by default now).

    Asked for now, the factor forgets which codes it has seen, so that a test which
    signs in twice does not have to wait for the next half minute.
    """
    factor = TOTPFactor.objects.get(user=user)
    if at is None:
        TOTPFactor.objects.filter(id=factor.id).update(last_step=-1)
    clock = TOTP(factor.secret)
    clock.time = (at or timezone.now()).timestamp()
    return f"{clock.token():06d}"


def totp_secret(user: User) -> str:
    """Return the secret as the user typed it into the authenticator app."""
    secret: str = TOTPFactor.objects.get(user=user).secret_base32
    return secret


def make_session(
    user: User, *, kind: sessions.Kind = "token", stepped_up: bool = False
) -> AuthSession:
    """Return a signed-in device of the user, with the factors that he has."""
    has_factor = TOTPFactor.objects.filter(user=user, confirmed=True).exists()
    amr = AMR_SECOND_FACTOR if has_factor else AMR_PASSWORD
    session = sessions.start_session(user, kind=kind, amr=amr)
    if stepped_up:
        sessions.record_step_up(session)
    return session


def proven_session(user: User) -> AuthSession:
    """Return a browser session whose user just gave the password again."""
    session = make_session(user, kind="browser")
    proof.record_password_confirmation(session)
    return session


def access_token(user: User, *, stepped_up: bool = False) -> str:
    """Return an access token of a new session."""
    return tokens.issue(make_session(user, stepped_up=stepped_up)).access


def make_provider(
    issuer: str = "https://id.acme.example", *, slug: str = "acme", **fields: object
) -> IdentityProvider:
    """Return an identity provider that people may sign in by."""
    provider = IdentityProvider(slug=slug, name=slug.capitalize(), issuer=issuer)
    provider.client_id = CLIENT_ID
    provider.scopes = ["openid", "email"]
    for name, value in fields.items():
        setattr(provider, name, value)
    identity_providers.save_provider(provider, client_secret=CLIENT_SECRET, changed=[])
    return provider


def make_identity(
    user: User, provider: IdentityProvider, subject: str = SUBJECT
) -> ExternalIdentity:
    """Return the user's identity at the provider, linked as if by himself."""
    found = identities.Claimed(
        IdentityChannel.OIDC,
        provider.issuer,
        subject,
        f"{subject}@acme.example",
        provider,
    )
    return identities.link_identity(user, found, by=ExternalIdentity.LinkedBy.SESSION)


def sign_in_browser(client: Client, user: User, *, stepped_up: bool = False) -> Client:
    """Return the client carrying the cookie of a new browser session."""
    request = HttpRequest()
    request.user = user  # without one, django_otp.login does nothing
    request.session = SessionStore()
    factor = next(iter(list_factors(user)), None)
    amr = AMR_SECOND_FACTOR if factor else AMR_PASSWORD
    session = sign_in.open_browser_session(request, sign_in.Proven(user, amr, factor))
    if stepped_up:
        sessions.record_step_up(session)
    client.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)
    return client
