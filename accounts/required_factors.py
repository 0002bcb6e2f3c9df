"""Who needs a second factor, and what he may do before he has shown one.

Who needs one is known further up: settings name the door. Deny by default: but for the
way to a factor, and out, every route is closed.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from accounts.constants import SECOND_FACTOR
from accounts.errors import FactorRequired, ProofNeeded
from accounts.models import AuthSession, User
from accounts.selectors import factor_methods, has_second_factor
from chatsec.core.errors import DomainError

WAY_IN = frozenset(
    {
        "account-factor-required",
        "account-confirm",
        "account-confirm-with",
        "account-confirm-passkey",
        "account-confirm-passkey-ask",
        "account-authenticator",
        "account-passkey",
        "account-passkey-ask",
        "account-recovery-codes",
        "provider-begin",
        "provider-callback",
        "provider-logout",
        "sign-in",
        "sign-in-code",
        "sign-in-code-passkey",
        "sign-in-passkey",
        "sign-out",
        "api-factors",
        "api-factor-confirm",
        "api-refresh",
        "api-revoke",
        "api-step-up",
        "api-step-up-passkey",
        "jwks",
    }
)


def requires_factor(user: User) -> bool:
    """Whether the installation or a role of the user's asks for a second factor."""
    if settings.CHATSEC_REQUIRE_SECOND_FACTOR:
        return True
    return bool(import_string(settings.CHATSEC_REQUIRED_FACTORS)(user))


def refusal_of(request: HttpRequest, session: AuthSession) -> DomainError | None:
    """Return why this session may not go where the request wants, if so.

    A session that has shown a second factor is not asked about roles at all.
    """
    if SECOND_FACTOR in session.amr or _is_way_in(request):
        return None
    if not requires_factor(session.user):
        return None
    methods = factor_methods(session.user)
    return ProofNeeded(methods) if methods else FactorRequired()


def refusal_of_key(owner: User) -> DomainError | None:
    """Return why a key of this owner opens nothing: he lacks the factor that he needs.

    A program has no factors, and no role makes it need one.
    """
    if owner.is_service or not requires_factor(owner) or has_second_factor(owner):
        return None
    return FactorRequired()


def _is_way_in(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.view_name in WAY_IN
