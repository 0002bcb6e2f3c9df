"""People, their sessions, factors and sign-in budgets."""

from accounts.models.challenges import Challenge
from accounts.models.factors import TOTPFactor
from accounts.models.lockout import AttemptBudget
from accounts.models.people import User
from accounts.models.sessions import AuthSession, BrowserSession, RefreshToken

__all__ = [
    "AttemptBudget",
    "AuthSession",
    "BrowserSession",
    "Challenge",
    "RefreshToken",
    "TOTPFactor",
    "User",
]
