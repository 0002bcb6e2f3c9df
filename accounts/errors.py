"""Refusals of sign-in."""

from collections.abc import Sequence

from accounts.constants import (
    BUSY_MESSAGE,
    BUSY_SECONDS,
    INVALID_CODE_MESSAGE,
    LOCKED_MESSAGE,
)
from chatsec.core.errors import (
    Denied,
    Invalid,
    StepUpRequired,
    TooMany,
    Unauthenticated,
    Unavailable,
)


class InvalidCode(Invalid):
    """The one-time code is not right."""

    default_code = "invalid_code"

    def __init__(self) -> None:
        super().__init__(INVALID_CODE_MESSAGE)
        self.message = INVALID_CODE_MESSAGE


class InvalidPasskey(Invalid):
    """The answer does not hold: another site, person, key or question."""

    default_code = "invalid_passkey"

    def __init__(self) -> None:
        super().__init__("This passkey could not be verified. Please try again.")


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
    counts_as_denial = False

    def __init__(self) -> None:
        super().__init__(
            "This needs a second factor. Set up an authenticator app or a passkey "
            "under My security."
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


class Busy(TooMany):
    """This server has its hands full; nothing was checked, and no try was spent."""

    default_code = "busy"

    def __init__(self) -> None:
        super().__init__(BUSY_MESSAGE, retry_after_seconds=BUSY_SECONDS)


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


class ProviderRefused(Unauthenticated):
    """What the identity provider answered does not prove who this is."""

    default_code = "provider_refused"

    def __init__(self, reason: str) -> None:
        super().__init__("The answer of the identity provider could not be verified.")
        self.reason = reason


class ProviderRequestOver(Invalid):
    """The way to the provider was gone already, too old, or another browser's."""

    default_code = "provider_request_over"

    def __init__(self) -> None:
        super().__init__(
            "This took too long, was done already, or began in another browser. "
            "Please start again."
        )


class ProviderCancelled(Invalid):
    """The person, or the provider, broke it off there."""

    default_code = "provider_cancelled"

    def __init__(self) -> None:
        super().__init__("You were not signed in by the identity provider.")


class ProviderUnavailable(Unavailable):
    """The provider cannot be reached or says nothing that can be used."""

    default_code = "provider_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__("The identity provider cannot be reached. Try again later.")
        self.reason = reason


class IdentityUnknown(Unauthenticated):
    """Nobody here has linked this identity, or his account is closed."""

    default_code = "identity_unknown"

    def __init__(self) -> None:
        super().__init__(
            "No account is linked with this sign-in. Sign in another way and link it "
            "under My security, or ask your administrator for an invitation."
        )
