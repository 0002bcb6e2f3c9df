"""Talking to an identity provider: what it publishes, and the exchange of a code.

OpenID Connect Discovery 1.0, RFC 9700. Every call goes through `chatsec.core.outbound`
(no private addresses, no redirects, size and time limits); what comes back is checked
before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client.oauth2_session import OAuth2ClientAuth
from authlib.oauth2.client import OAuth2Client
from django.conf import settings
from joserfc.jwk import KeySet

from accounts.errors import ProviderRefused, ProviderUnavailable
from accounts.id_tokens import (
    ALGORITHMS,
    TokenRefused,
    UnknownKey,
    Verified,
    signing_keys,
)
from accounts.models import IdentityProvider
from chatsec.core import outbound
from chatsec.core.errors import Json

WELL_KNOWN = "/.well-known/openid-configuration"
# How long what a provider publishes is believed without asking again.
PUBLISHED_FOR_SECONDS = 10 * 60
# A token that names an unknown key makes us look again, but not at every forged one.
KEYS_AGAIN_AFTER_SECONDS = 30
# A provider that does not answer is left alone for so long.
TRY_AGAIN_AFTER_SECONDS = 5
VERIFIER_LENGTH = 64  # RFC 7636 section 4.1: 43 to 128 characters
DEFAULT_AUTH_METHOD = "client_secret_basic"
AUTH_METHODS = (DEFAULT_AUTH_METHOD, "client_secret_post")
# What calls and their answers fail with; a status of refusal is an OSError.
_NO_ANSWER = (
    *(outbound.OutboundFailed, outbound.OutboundRefused),
    *(OSError, ValueError, RecursionError),
)
REFUSED_CODE = "invalid_grant"  # RFC 6749 section 5.2: the code is not good


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider publishes about itself, as far as it is used here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    auth_methods: tuple[str, ...] = (DEFAULT_AUTH_METHOD,)
    # None: it does not say.
    challenge_methods: tuple[str, ...] | None = None
    names_itself: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave; nothing of it is kept."""

    id_token: str
    access_token: str


# What was published, by provider and address, with when it was fetched.
_metadata: dict[tuple[object, str], tuple[float, Metadata]] = {}
_keys: dict[tuple[object, str], tuple[float, KeySet]] = {}
_silent_until: dict[tuple[object, str], float] = {}


def forget_published() -> None:
    """Ask every provider anew: after a change to one, and in tests."""
    _metadata.clear()
    _keys.clear()
    _silent_until.clear()


def callback_url(provider: IdentityProvider) -> str:
    """Return where the provider sends browsers back: an address of its own."""
    return f"{_address(provider)}/callback"


def logout_url(provider: IdentityProvider) -> str:
    """Return where the provider tells that it signed somebody out."""
    return f"{_address(provider)}/logout"


def _address(provider: IdentityProvider) -> str:
    return f"{settings.CHATSEC_PUBLIC_URL.rstrip('/')}/sign-in/with/{provider.slug}"


def discover(provider: IdentityProvider) -> Metadata:
    """Return what the provider publishes; raise ProviderUnavailable."""
    place = (provider.id, provider.issuer)
    known = _metadata.get(place)
    if known is not None and monotonic() - known[0] < PUBLISHED_FOR_SECONDS:
        return known[1]
    if monotonic() < _silent_until.get(place, 0):
        raise ProviderUnavailable("it did not answer a moment ago")
    address = provider.issuer.rstrip("/") + WELL_KNOWN
    try:
        found = read_metadata(provider.issuer, _fetch(address))
    except ProviderUnavailable:
        # Or strangers could keep every thread waiting for a provider that is down.
        _silent_until[place] = monotonic() + TRY_AGAIN_AFTER_SECONDS
        raise
    _metadata[place] = (monotonic(), found)
    return found


def read_metadata(issuer: str, document: Json) -> Metadata:
    """Return the document's meaning; raise ProviderUnavailable where it has none."""
    if not isinstance(document, dict):
        raise ProviderUnavailable("the configuration is no object")
    # Discovery section 4.3: the same to the letter, or another one speaks for it.
    if document.get("issuer") != issuer:
        raise ProviderUnavailable("the configuration names another issuer")
    methods = document.get("code_challenge_methods_supported")
    if methods is not None and "S256" not in _texts(methods):
        raise ProviderUnavailable("no PKCE with S256")
    algorithms = _texts(document.get("id_token_signing_alg_values_supported"))
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(document, "token_endpoint", issuer),
        jwks_uri=_endpoint(document, "jwks_uri", issuer),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", issuer)
        if document.get("userinfo_endpoint")
        else "",
        algorithms=tuple(each for each in ALGORITHMS if each in algorithms)
        or ("RS256",),
        auth_methods=_texts(document.get("token_endpoint_auth_methods_supported"))
        or (DEFAULT_AUTH_METHOD,),
        challenge_methods=None if methods is None else _texts(methods),
        names_itself=document.get("authorization_response_iss_parameter_supported")
        is True,
    )


def _endpoint(document: Mapping[str, Json], name: str, issuer: str) -> str:
    value = document.get(name)
    parts = urlsplit(value if isinstance(value, str) else "")
    # Plain http only where the issuer itself is: on loopback, outside of production.
    if not parts.hostname or parts.scheme not in {"https", urlsplit(issuer).scheme}:
        raise ProviderUnavailable(f"no usable {name}")
    return str(value)


def _texts(value: Json) -> tuple[str, ...]:
    return (
        tuple(each for each in value if isinstance(each, str))
        if isinstance(value, list)
        else ()
    )


def keys_of(provider: IdentityProvider, *, known_unfit: bool = False) -> KeySet:
    """Return the provider's signing keys; ask again if those known did not fit."""
    metadata = discover(provider)
    place = (provider.id, metadata.jwks_uri)
    known = _keys.get(place)
    patience = KEYS_AGAIN_AFTER_SECONDS if known_unfit else PUBLISHED_FOR_SECONDS
    if known is not None and monotonic() - known[0] < patience:
        return known[1]
    try:
        found = signing_keys(_fetch(metadata.jwks_uri))
    except TokenRefused as error:
        raise ProviderUnavailable(error.reason) from error
    _keys[place] = (monotonic(), found)
    return found


def with_keys(
    provider: IdentityProvider, verify: Callable[[KeySet], Verified]
) -> Verified:
    """Return what `verify` makes of the provider's keys; once more with new ones.

    A provider that changed its keys signs with one that was not known yet.
    """
    try:
        return verify(keys_of(provider))
    except UnknownKey:
        return verify(keys_of(provider, known_unfit=True))


def authorization_url(
    provider: IdentityProvider,
    *,
    state: str,
    nonce: str,
    verifier: str,
    extra: Mapping[str, str],
) -> str:
    """Return where to send the browser: code flow, PKCE S256, state and nonce."""
    with outbound.session() as session:
        url, _ = _client(provider, session).create_authorization_url(
            discover(provider).authorization_endpoint,
            state=state,
            code_verifier=verifier,
            nonce=nonce,
            **extra,
        )
    return str(url)


def new_verifier() -> str:
    """Return a fresh PKCE verifier."""
    return str(generate_token(VERIFIER_LENGTH))


def exchange(provider: IdentityProvider, *, code: str, verifier: str) -> Tokens:
    """Return what the code is good for; raise ProviderRefused, ProviderUnavailable."""
    metadata = discover(provider)
    try:
        with outbound.session() as session:
            answer = _client(provider, session, metadata).fetch_token(
                metadata.token_endpoint, code=code, code_verifier=verifier
            )
    except OAuthError as error:
        if error.error == REFUSED_CODE:
            raise ProviderRefused("code") from error
        raise ProviderUnavailable(f"token endpoint: {error.error}"[:80]) from error
    except _NO_ANSWER as error:
        raise ProviderUnavailable("token endpoint") from error
    id_token, access = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access, str):
        raise ProviderRefused("no ID token")
    return Tokens(id_token, access)


def userinfo(provider: IdentityProvider, tokens: Tokens) -> Mapping[str, Json]:
    """Return what the userinfo endpoint says; {} where there is none."""
    endpoint = discover(provider).userinfo_endpoint
    if not endpoint:
        return {}
    headers = {"Authorization": f"Bearer {tokens.access_token}"}
    document = _fetch(endpoint, headers=headers)
    return document if isinstance(document, dict) else {}


def _client(
    provider: IdentityProvider,
    session: outbound.Session,
    metadata: Metadata | None = None,
) -> OAuth2Client:
    client = OAuth2Client(
        session=session,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        token_endpoint_auth_method=_auth_method(provider, metadata),
        scope=" ".join(provider.scopes),
        redirect_uri=callback_url(provider),
        code_challenge_method="S256",
    )
    client.client_auth_class = OAuth2ClientAuth
    client.oauth_error_class = OAuthError
    return client


def _auth_method(provider: IdentityProvider, metadata: Metadata | None) -> str:
    if not provider.client_secret:
        return "none"
    offered = metadata.auth_methods if metadata else ()
    return next((each for each in AUTH_METHODS if each in offered), DEFAULT_AUTH_METHOD)


def _fetch(url: str, *, headers: Mapping[str, str] | None = None) -> Json:
    wanted = {"Accept": "application/json", **(headers or {})}
    try:
        answer = outbound.request("GET", url, headers=wanted)
        answer.raise_for_status()
        found: Json = json.loads(answer.content)
    except outbound.OutboundRefused as error:
        raise ProviderUnavailable("the address is not allowed") from error
    except _NO_ANSWER as error:
        raise ProviderUnavailable(f"no answer from {urlsplit(url).hostname}") from error
    return found
