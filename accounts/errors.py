"""Refusals of sign-in."""

from collections.abc import Sequence

from accounts.constants import INVALID_CODE_MESSAGE, LOCKED_MESSAGE
from chatsec.core.errors import (
    Denied,
    Invalid,
    StepUpRequired,
    TooMany,
    Unauthenticated,
)


class InvalidCode(Invalid):
    """The one-time code is not right."""

    default_code = "invalid_code"

    def __init__(self) -> None:
        super().__init__(INVALID_CODE_MESSAGE)
        self.message = INVALID_CODE_MESSAGE


class CodeAlreadyUsed(TooMany):
    """The code was right, and is spent; the app will show another soon."""

    default_code = "code_already_used"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(
            "This code was used already. Please wait for the next one.",
            retry_after_seconds=retry_after_seconds,
        )


class ChallengeExpired(Invalid):
    """The question for a code is over: answered, too old, or guessed at too often."""

    default_code = "challenge_expired"

    def __init__(self) -> None:
        super().__init__("This verification is over. Please start again.")


class FactorRequired(Denied):
    """There is no second factor to ask for."""

    default_code = "factor_required"

    def __init__(self) -> None:
        super().__init__(
            "This needs an authenticator app. Set one up under My security."
        )


class ProofNeeded(StepUpRequired):
    """Whoever changes how an account is entered has to prove himself again first."""

    default_code = "step_up_required"

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__(
            "Please confirm that it is you before you change this.",
            methods=list(methods),
        )


class AccountLocked(TooMany):
    """Too many failures: nothing is checked until the time is over."""

    default_code = "account_locked"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(LOCKED_MESSAGE, retry_after_seconds=retry_after_seconds)


class InvalidToken(Unauthenticated):
    """The token is unknown, spent, expired, or its session is over."""

    default_code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("The token is not valid. Please sign in again.")


class LinkExpired(Invalid):
    """The link was used, is too old, or the account has changed since."""

    default_code = "link_expired"

    def __init__(self) -> None:
        super().__init__("This link was used already or is too old.")
