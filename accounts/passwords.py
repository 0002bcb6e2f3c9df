"""What a password must be (ASVS 5.0 V6.2; NIST SP 800-63B section 5.1.1.2).

Long enough, not one that everybody tries, not made of words that everybody here knows,
and hard to guess. No rule about capitals or digits: they make passwords that are easy
to guess and hard to remember.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from zxcvbn import zxcvbn
from zxcvbn.matching import RANKED_DICTIONARIES

from accounts.common_passwords import fold_password, is_common
from accounts.constants import (
    MAX_PASSWORD_LENGTH,
    MIN_PASSWORD_LENGTH,
    MIN_PASSWORD_SCORE,
    SCORED_PASSWORD_LENGTH,
)

if TYPE_CHECKING:
    from accounts.models import User

RANDOM_PASSWORD_BYTES = 18
PRODUCT_WORDS = ("chatsec", "chatbot")
# Shorter words are inside of too many honest passwords; the score counts them still.
MIN_CONTEXT_WORD = 4
_scoring = Lock()
_WORDS = re.compile(r"[^\W_]+")

TOO_SHORT = f"This password is too short: at least {MIN_PASSWORD_LENGTH} characters."
TOO_LONG = f"This password is too long: at most {MAX_PASSWORD_LENGTH} characters."
TOO_COMMON = "This password is one of the first that anybody would try."
HAS_CONTEXT_WORD = (
    "This password has a word in it that belongs to you, to the organisation or to "
    "this service."
)
TOO_WEAK = "This password is easy to guess."
ADVICE = "Four or more words that do not belong together make a good one."


class PasswordPolicy:
    """The policy as Django asks for it (`AUTH_PASSWORD_VALIDATORS`)."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError with what is wrong with the password."""
        check_password_policy(password, about=words_about(user) if user else ())

    def get_help_text(self) -> str:
        """Return what a form says before anything is typed."""
        return f"At least {MIN_PASSWORD_LENGTH} characters. {ADVICE}"


def check_password_policy(password: str, *, about: Iterable[str] = ()) -> None:
    """Raise ValidationError unless somebody known by the words may have the password.

    The cheap questions come first: the score takes milliseconds.
    """
    if len(password) > MAX_PASSWORD_LENGTH:
        raise ValidationError(TOO_LONG, code="password_too_long")
    if len(password) < MIN_PASSWORD_LENGTH:
        raise ValidationError(TOO_SHORT, code="password_too_short")
    if is_common(password):
        raise ValidationError(TOO_COMMON, code="password_too_common")
    words = sorted({*_folded_words(about), *_folded_words(organisation_words())})
    folded = fold_password(password)
    if any(word in folded for word in words if len(word) >= MIN_CONTEXT_WORD):
        raise ValidationError(HAS_CONTEXT_WORD, code="password_has_context_word")
    if _score(password, words) < MIN_PASSWORD_SCORE:
        raise ValidationError(f"{TOO_WEAK} {ADVICE}", code="password_too_weak")


def random_password() -> str:
    """Return a password that nobody has chosen, for accounts that a command makes."""
    while True:
        made = secrets.token_urlsafe(RANDOM_PASSWORD_BYTES)
        try:
            check_password_policy(made)
        except ValidationError:  # once in a hundred thousand it spells a word
            continue
        return made


def organisation_words() -> tuple[str, ...]:
    """Return the words that everybody here knows."""
    return (
        *PRODUCT_WORDS,
        settings.CHATSEC_ORGANISATION,
        *settings.CHATSEC_PASSWORD_WORDS,
    )


def words_about(user: User) -> tuple[str, ...]:
    """Return the words that belong to the person."""
    return user.username, user.email, user.display_name


def _folded_words(texts: Iterable[str]) -> Iterator[str]:
    """Yield each text and the words that it is made of, as passwords are compared."""
    for text in texts:
        folded = fold_password(text)
        yield folded
        yield from _WORDS.findall(folded)


def _score(password: str, words: list[str]) -> int:
    """Return how hard the password is to guess, from 0 to 4."""
    known = [word for word in words if word]
    # The library keeps the words in one dictionary of the process: without the lock,
    # a thread would score with another one's, and they would stay in memory.
    with _scoring:
        try:
            # What comes after the scored part can only make it harder.
            found = zxcvbn(password[:SCORED_PASSWORD_LENGTH], user_inputs=known)
        finally:
            RANKED_DICTIONARIES.pop("user_inputs", None)
    score: int = found["score"]
    return score
