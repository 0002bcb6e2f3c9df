"""Signing in by an identity provider: sent there, and back with proof.

OpenID Connect Core 1.0 section 3.1, RFC 9700. The way back is bound to the browser that
went (cookie), to one provider (its own redirect address, RFC 9207 `iss`) and to one use
(the row goes with the first answer, right or wrong).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import events, id_tokens
from accounts.constants import FEDERATED, PROVIDER_PATIENCE, SECOND_FACTOR
from accounts.errors import (
    IdentityUnknown,
    ProviderCancelled,
    ProviderRefused,
    ProviderRequestOver,
    ProviderUnavailable,
)
from accounts.id_tokens import Verified
from accounts.models import (
    AuthenticationRequest,
    AuthSession,
    ExternalIdentity,
    IdentityChannel,
    IdentityProvider,
    Origin,
)
from accounts.models.identities import sid_digest
from accounts.selectors import factor_methods, has_second_factor
from accounts.services import challenges, identities, lockout, oidc, proof
from accounts.services.invitations import accept_by_identity
from accounts.services.provisioning import make_account
from accounts.services.sign_in import CodeNeeded, Proven
from accounts.session_keys import PROVIDER_BROWSER_KEY
from auditlog.services import Target, record_refusal
from chatsec.core import context
from chatsec.core.crypto import blind_index
from chatsec.core.errors import DomainError, Unauthenticated

Purpose = AuthenticationRequest.Purpose
LinkedBy = ExternalIdentity.LinkedBy
MAX_PARAMETER = 2048
RANDOM_BYTES = 32
NAMES = ("name", "preferred_username")
ADDRESS = ("email", "email_verified")
# Google vouches for addresses of other domains too; `hd` names the organisation.
GOOGLE = "https://accounts.google.com"


@dataclass(frozen=True, slots=True)
class Errand:
    """Why a browser is sent to a provider, and where it goes afterwards."""

    purpose: AuthenticationRequest.Purpose
    next_page: str = "/"
    session: AuthSession | None = None
    # Ask for the person's own factor, whatever the provider says it saw.
    own_factor: bool = False
    # Ask the provider to sign him in again, not to say that he is signed in still.
    fresh: bool = False
    # The single-use link that the browser came by, where it accepts an invitation.
    invitation: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody came back from a provider that vouches for him."""

    errand: Errand
    outcome: Proven | CodeNeeded | ExternalIdentity | None


def send_to_provider(
    request: HttpRequest, provider: IdentityProvider, errand: Errand
) -> str:
    """Return where to send this browser; its answer is awaited for ten minutes."""
    if errand.purpose == Purpose.LINK and errand.session is not None:
        proof.require_recent(errand.session)
    state, nonce = (secrets.token_urlsafe(RANDOM_BYTES) for _ in range(2))
    verifier = oidc.new_verifier()
    url = oidc.authorization_url(
        provider,
        state=state,
        nonce=nonce,
        verifier=verifier,
        extra={"prompt": "login", "max_age": "0"} if errand.fresh else {},
    )
    now = timezone.now()
    asked = AuthenticationRequest(
        provider=provider,
        purpose=errand.purpose,
        session=errand.session,
        state_digest=_state_digest(state),
        browser_digest=_browser_digest(_browser_of(request, made=True)),
        created_at=now,
        expires_at=now + PROVIDER_PATIENCE,
    )
    asked.content = {
        "nonce": nonce,
        "verifier": verifier,
        "next": errand.next_page,
        "own_factor": "yes" if errand.own_factor else "",
        "fresh": "yes" if errand.fresh else "",
        "invitation": errand.invitation,
    }
    asked.save(force_insert=True)
    return url


def _browser_of(request: HttpRequest, *, made: bool = False) -> str:
    known: str = request.session.get(PROVIDER_BROWSER_KEY, "")
    if not known and made:
        known = secrets.token_urlsafe(RANDOM_BYTES)
        request.session[PROVIDER_BROWSER_KEY] = known
    return known


def _browser_digest(key: str) -> bytes:
    return blind_index("accounts.provider_browser", key)


def _state_digest(state: str) -> bytes:
    return blind_index("accounts.provider_state", state)


def take_answer(
    request: HttpRequest, provider: IdentityProvider, answer: Mapping[str, str]
) -> Arrival:
    """Return who came back; raise what speaks against it, with evidence.

    A wrong answer costs a try of the address and its network, as a wrong password
    does; a provider that is down or was told to cancel costs none.
    """
    state = answer.get("state", "")
    if not 0 < len(state) <= MAX_PARAMETER:
        raise ProviderRequestOver
    try:
        with lockout.attempt_from(context.current().ip) as attempt:
            try:
                arrival = _arrive(request, provider, answer)
            except (ProviderUnavailable, ProviderCancelled):
                attempt.succeeded = True  # nothing was guessed
                raise
            attempt.succeeded = True
    except DomainError as refusal:
        _record_refusal(provider, refusal)
        raise
    return arrival


def _arrive(
    request: HttpRequest, provider: IdentityProvider, answer: Mapping[str, str]
) -> Arrival:
    asked = _take_request(request, provider, answer["state"])
    _check_answer(provider, answer)
    content = asked.content
    tokens = oidc.exchange(provider, code=answer["code"], verifier=content["verifier"])
    vouched = _verified(asked, tokens, nonce=content["nonce"])
    vouched = _with_address(provider, vouched, tokens)
    errand = Errand(
        Purpose(asked.purpose),
        content["next"],
        asked.session,
        own_factor=bool(content["own_factor"]),
        fresh=bool(content["fresh"]),
        invitation=content["invitation"],
    )
    if errand.fresh and not _signed_in_since(vouched, asked.created_at):
        raise ProviderRefused("auth_time")
    return Arrival(errand, _carry_out(errand, provider, vouched))


def _take_request(
    request: HttpRequest, provider: IdentityProvider, state: str
) -> AuthenticationRequest:
    """Take the request that this answers off the table: the second finds none."""
    browser = _browser_of(request)
    with transaction.atomic():
        asked = (
            AuthenticationRequest.objects.select_for_update(of=("self",))
            .select_related("provider", "session__user")
            .filter(state_digest=_state_digest(state))
            .first()
        )
        if asked is not None:
            AuthenticationRequest.objects.filter(id=asked.id).delete()
    if (
        asked is None
        or timezone.now() >= asked.expires_at
        or asked.provider_id != provider.id
        or not secrets.compare_digest(
            bytes(asked.browser_digest), _browser_digest(browser)
        )
        or not _is_still_his(request, asked)
    ):
        raise ProviderRequestOver
    return asked


def _is_still_his(request: HttpRequest, asked: AuthenticationRequest) -> bool:
    """Whether who links or confirms is signed in still, in the very same session."""
    if asked.session_id is None:
        return True
    return asked.session_id == context.current_actor().session_id


def _check_answer(provider: IdentityProvider, answer: Mapping[str, str]) -> None:
    """Refuse an answer of another provider (RFC 9207), or one without a code."""
    issuer = answer.get("iss")
    if issuer is None and oidc.discover(provider).names_itself:
        raise ProviderRefused("no iss")
    if issuer is not None and issuer != provider.issuer:
        raise ProviderRefused("iss")
    if "error" in answer:
        raise ProviderCancelled
    if not 0 < len(answer.get("code", "")) <= MAX_PARAMETER:
        raise ProviderRefused("no code")


def _verified(
    asked: AuthenticationRequest, tokens: oidc.Tokens, *, nonce: str
) -> Verified:
    provider = asked.provider
    expected = id_tokens.Expected(
        issuer=provider.issuer,
        client_id=provider.client_id,
        algorithms=oidc.discover(provider).algorithms,
        nonce=nonce,
        issued_after=asked.created_at,
        access_token=tokens.access_token,
    )
    try:
        return oidc.with_keys(
            provider,
            lambda keys: id_tokens.verify_id_token(
                tokens.id_token, keys, expected=expected, now=timezone.now()
            ),
        )
    except id_tokens.TokenRefused as error:
        raise ProviderRefused(error.reason) from error


def _with_address(
    provider: IdentityProvider, vouched: Verified, tokens: oidc.Tokens
) -> Verified:
    """Return the claims, with the person's from the userinfo endpoint if needed.

    Nothing about the sign-in is taken from there: that stands in the signed token only.
    """
    needed = provider.allowed_domains or provider.makes_accounts
    if needed and not vouched.text("email"):
        told = oidc.userinfo(provider, tokens)
        # Core section 5.3.2: about somebody else, it must not be used.
        if told.get("sub") == vouched.subject:
            names = {each: told[each] for each in NAMES if each in told}
            # Together, or what was checked there would vouch for another address.
            address = {each: told.get(each) for each in ADDRESS}
            vouched = Verified({**names, **vouched.claims, **address})
    if provider.allowed_domains and not _is_of_allowed_domain(provider, vouched):
        raise ProviderRefused("domain")
    return vouched


def _is_of_allowed_domain(provider: IdentityProvider, vouched: Verified) -> bool:
    allowed = {domain.lower() for domain in provider.allowed_domains}
    domain = vouched.verified_email().rpartition("@")[2].lower()
    if provider.issuer == GOOGLE and vouched.text("hd").lower() not in allowed:
        return False
    return domain in allowed


def _carry_out(
    errand: Errand, provider: IdentityProvider, vouched: Verified
) -> Proven | CodeNeeded | ExternalIdentity | None:
    match errand.purpose:
        case Purpose.SIGN_IN:
            return _sign_in(errand, provider, vouched)
        case Purpose.INVITATION:
            accept_by_identity(errand.invitation, claimed(provider, vouched))
            return _sign_in(errand, provider, vouched)
        case Purpose.LINK:
            return identities.link_identity(
                _session_of(errand).user,
                claimed(provider, vouched),
                by=LinkedBy.SESSION,
            )
        case Purpose.CONFIRM:
            _confirm(_session_of(errand), provider, vouched)
            return None
        case _ as unreachable:
            assert_never(unreachable)


def _session_of(errand: Errand) -> AuthSession:
    if errand.session is None:
        raise ProviderRequestOver
    return errand.session


def claimed(provider: IdentityProvider, vouched: Verified) -> identities.Claimed:
    """Return the identity that the provider vouches for."""
    label = vouched.text("email") or vouched.text("preferred_username")
    return identities.Claimed(
        IdentityChannel.OIDC, provider.issuer, vouched.subject, label, provider
    )


def _sign_in(
    errand: Errand, provider: IdentityProvider, vouched: Verified
) -> Proven | CodeNeeded:
    found = identities.find_identity(
        IdentityChannel.OIDC, tenant=provider.issuer, subject=vouched.subject
    )
    if found is None:
        if not provider.makes_accounts:
            raise IdentityUnknown
        found = make_account(claimed(provider, vouched), vouched)
    if found.provider_id != provider.id or not provider.is_active:
        raise IdentityUnknown
    sid = vouched.text("sid")
    digest = sid_digest(provider.id, sid) if sid else None
    origin = Origin(found, digest, _seen_at(vouched))
    shown_there = _has_shown_factor(provider, vouched)
    if has_second_factor(found.user) and (errand.own_factor or not shown_there):
        waiting = challenges.start_sign_in(found.user, origin=origin)
        return CodeNeeded(waiting, tuple(factor_methods(found.user)))
    amr = (FEDERATED, SECOND_FACTOR) if shown_there else (FEDERATED,)
    return Proven(found.user, amr, origin=origin)


def _has_shown_factor(provider: IdentityProvider, vouched: Verified) -> bool:
    """Whether the provider's own words, as mapped here, say "a second factor"."""
    return bool(
        set(vouched.texts("amr")) & set(provider.factor_amr)
        or vouched.text("acr") in provider.factor_acr
    )


def _confirm(
    session: AuthSession, provider: IdentityProvider, vouched: Verified
) -> None:
    """Take signing in again there as proof here, for who has no factor of his own."""
    found = identities.find_identity(
        IdentityChannel.OIDC, tenant=provider.issuer, subject=vouched.subject
    )
    if found is None or found.user_id != session.user_id:
        raise IdentityUnknown
    proof.confirm_by_provider(session)


def _signed_in_since(vouched: Verified, moment: datetime) -> bool:
    seen_at = _seen_at(vouched)
    return seen_at is not None and seen_at >= moment - id_tokens.LEEWAY


def _seen_at(vouched: Verified) -> datetime | None:
    """Return when the provider itself saw the person, if it says so."""
    told = vouched.claims.get("auth_time")
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    try:
        return datetime.fromtimestamp(told, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _record_refusal(provider: IdentityProvider, refusal: DomainError) -> None:
    """Write down that and why; of the person, who is unknown, nothing."""
    record_refusal(
        events.SIGN_IN_FAILED,
        outcome="failure" if isinstance(refusal, Unauthenticated) else "error",
        target=Target("accounts.identity_provider", str(provider.id)),
        details={
            "reason": refusal.code,
            "provider": provider.slug,
            "problem": getattr(refusal, "reason", ""),
        },
    )
