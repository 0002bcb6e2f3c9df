"""Refusals of the domain. No HTTP here: `chatsec.core.api` words them for clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

JsonScalar = str | int | float | bool | None
Json = JsonScalar | list["Json"] | dict[str, "Json"]


class DomainError(Exception):
    """A refusal with a stable `code`, a sentence for people, and extra fields."""

    default_code = "error"

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        fields: Mapping[str, list[str]] | None = None,
        **extra: Json,
    ) -> None:
        super().__init__(message or code or self.default_code)
        self.code = code or self.default_code
        self.message = message
        self.fields = dict(fields or {})
        self.extra = extra


class Invalid(DomainError):
    """The input breaks a rule; `fields` says which, per field."""

    default_code = "invalid"


class Unauthenticated(DomainError):
    """Nobody is signed in, or the proof offered does not hold."""

    default_code = "not_authenticated"


class Denied(DomainError):
    """The actor may not do this."""

    default_code = "permission_denied"
    # Denials add up to an alert. Not where all that is missing is the person's to give.
    counts_as_denial: ClassVar[bool] = True


class StepUpRequired(DomainError):
    """A fresh second factor is needed first."""

    default_code = "mfa_required"


class NotFound(DomainError):
    """There is no such thing, or the actor may not know that there is."""

    default_code = "not_found"


class Conflict(DomainError):
    """The state does not allow it now."""

    default_code = "conflict"


class TooMany(DomainError):
    """A limit is reached; `retry_after_seconds` says how long it holds."""

    default_code = "rate_limited"

    def __init__(
        self, message: str = "", *, retry_after_seconds: int, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after_seconds = max(1, retry_after_seconds)


class Unavailable(DomainError):
    """Something that the check needs is down; nothing is let through."""

    default_code = "unavailable"
