"""What an API key looks like: `csk_`, its public id, the secret, a checksum.

`csk_[0-9A-Za-z]{47}`, so that secret scanners know one when they see one. The checksum
tells a mistyped or made-up key from a real one without asking the database.
"""

from __future__ import annotations

import re
import secrets
import string
from typing import NamedTuple
from zlib import crc32

from chatsec.core.crypto import blind_index

PREFIX = "csk_"
ALPHABET = string.digits + string.ascii_letters
ID_LENGTH = 8
SECRET_LENGTH = 33  # of 62 signs: 196 bits
CHECKSUM_LENGTH = 6  # 62**6 > 2**32
PATTERN = re.compile(
    rf"{PREFIX}[0-9A-Za-z]{{{ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH}}}", re.ASCII
)


class NewKey(NamedTuple):
    """A key as its owner gets it, once, and the part of it that may be shown later."""

    text: str
    public_id: str


def new_key() -> NewKey:
    """Return a key that nobody else has and nobody can guess."""
    public_id = _random(ID_LENGTH)
    body = PREFIX + public_id + _random(SECRET_LENGTH)
    return NewKey(body + _checksum(body), public_id)


def is_key(text: str) -> bool:
    """Whether the text claims to be a key: nothing else of ours begins so."""
    return text.startswith(PREFIX)


def is_well_formed(text: str) -> bool:
    """Whether the text can be a key that was made here."""
    if PATTERN.fullmatch(text) is None:
        return False
    return _checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def digest_of(text: str) -> bytes:
    """Return what is kept of a key; nobody gets the key back from it."""
    return blind_index("accounts.api_key", text)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    value, signs = crc32(body.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        value, place = divmod(value, len(ALPHABET))
        signs = ALPHABET[place] + signs
    return signs
