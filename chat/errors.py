"""Refusals of the chat."""

from __future__ import annotations

from chatsec.core.errors import Conflict, Denied, DomainError, Invalid, Unavailable


class MessageRefused(Invalid):
    """The message cannot be taken as it is."""

    default_code = "message_invalid"


class AnswerFailed(Unavailable):
    """Something failed on the way; nothing was shown or stored."""

    default_code = "answer_failed"


class TooSimilar(Denied):
    """Together with an earlier answer this one would tell a small group's figure."""

    default_code = "too_similar"

    def __init__(self) -> None:
        super().__init__(
            "Together with an answer that you were given in the last 24 hours, this one"
            " would show a figure of fewer than five people, so it is not shown."
        )


class TooManyGroups(Denied):
    """More figures were shown than can be held against each other."""

    default_code = "too_many_groups"

    def __init__(self) -> None:
        super().__init__(
            "You were shown very many of these figures in the last 24 hours. Please ask"
            " for more of them later."
        )


class ReaderUnknown(Denied):
    """What somebody unknown was shown cannot be held against what he asks next."""

    default_code = "sign_in_needed"

    def __init__(self) -> None:
        super().__init__("Please sign in to see figures of groups.")


class KeyReused(DomainError):
    """The idempotency key came with another body before."""

    default_code = "idempotency_key_reused"


class CatalogueRefused(Invalid):
    """The catalogue entry is not sound; `fields` says where."""

    default_code = "catalogue_invalid"


class InFlight(Conflict):
    """The first request with this key is still being answered."""

    default_code = "idempotency_in_flight"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("The same request is being answered right now.")
        self.retry_after_seconds = max(1, retry_after_seconds)
