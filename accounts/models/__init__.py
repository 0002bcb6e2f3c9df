"""People, their sessions, factors and sign-in budgets."""

from accounts.models.account_tokens import AccountToken
from accounts.models.challenges import Challenge
from accounts.models.devices import KnownDevice
from accounts.models.factors import TOTPFactor
from accounts.models.identities import (
    AuthenticationRequest,
    ChannelCode,
    ExternalIdentity,
    IdentityChannel,
    IdentityProvider,
    Origin,
    ProviderSession,
    SpentToken,
)
from accounts.models.keys import ApiKey, ServiceAccount
from accounts.models.lockout import AttemptBudget
from accounts.models.notices import Notice
from accounts.models.oauth import AuthorizationCode, OAuthApplication
from accounts.models.passkeys import Passkey
from accounts.models.people import User
from accounts.models.recovery import RecoveryCode, RecoverySheet
from accounts.models.sessions import AuthSession, BrowserSession, RefreshToken

__all__ = [
    "AccountToken",
    "ApiKey",
    "AttemptBudget",
    "AuthSession",
    "AuthenticationRequest",
    "AuthorizationCode",
    "BrowserSession",
    "Challenge",
    "ChannelCode",
    "ExternalIdentity",
    "IdentityChannel",
    "IdentityProvider",
    "KnownDevice",
    "Notice",
    "OAuthApplication",
    "Origin",
    "Passkey",
    "ProviderSession",
    "RecoveryCode",
    "RecoverySheet",
    "RefreshToken",
    "ServiceAccount",
    "SpentToken",
    "TOTPFactor",
    "User",
]
