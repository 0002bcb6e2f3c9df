"""What stands in the redacted text instead of a finding."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from secrets import token_bytes
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.pii.engine import label_token

Operator = Callable[[str, str], str]
OperatorName = Literal["label", "mask", "placeholder"]
_MIN_KEY_BYTES = 16
_NONCE_BYTES = 12
_VAULT_TOKEN = re.compile(r"<([A-Z][A-Z_]{1,40}):v1\.([A-Za-z0-9_-]{38,100000})>")


def write_label(label: str, value: str) -> str:
    """Return the label in brackets: ``[EMAIL_REDACTED]``."""
    del value
    return label_token(label)


def write_mask(label: str, value: str) -> str:
    """Return as many stars as the value has characters."""
    del label
    return "*" * len(value)


class Vocabulary:
    """Numbers values by label, so that ``<PERSON_1>`` is one person all through.

    Keep one for a conversation; it holds the values, so it is as secret as they are.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._values: dict[str, str] = {}
        self._next: dict[str, int] = {}

    def __call__(self, label: str, value: str) -> str:
        """Return the value's placeholder: a known value keeps its number."""
        key = (label, " ".join(value.casefold().split()))
        if key not in self._numbers:
            self._next[label] = self._next.get(label, 0) + 1
            self._numbers[key] = self._next[label]
            self._values[f"<{label}_{self._numbers[key]}>"] = value
        return f"<{label}_{self._numbers[key]}>"

    @property
    def values(self) -> dict[str, str]:
        """The value behind each placeholder, as it was first written."""
        return dict(self._values)


class KeyedToken:
    """Replaces a value by a keyed HMAC, so that equal values can be counted.

    Never a bare hash: phone numbers and names can all be tried (EDPB 01/2025).
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _MIN_KEY_BYTES:
            raise ValueError(f"A token key has at least {_MIN_KEY_BYTES} bytes.")
        self._key = key

    def __call__(self, label: str, value: str) -> str:
        """Return the label with 64 bits of HMAC-SHA-256 over label and value."""
        message = f"{label}\0{' '.join(value.casefold().split())}"
        digest = hmac.digest(
            self._key, message.encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return f"<{label}:{digest.hex()[:16]}>"


class Vault:
    """Encrypts each value in place (AES-256-GCM), so that a key holder can restore it.

    ``context`` (a conversation's id, say) is authenticated: a token cannot be carried
    into another text and revealed there.
    """

    def __init__(self, key: bytes, *, context: str = "") -> None:
        self._cipher = AESGCM(key)
        self._context = context

    def __call__(self, label: str, value: str) -> str:
        """Return a token that holds the encrypted value."""
        nonce = token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(
            nonce, value.encode("utf-8", "surrogatepass"), self._bound(label)
        )
        return f"<{label}:v1.{urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}>"

    def restore(self, text: str) -> str:
        """Return the text with every token of this vault replaced by its value."""
        return _VAULT_TOKEN.sub(self._open, text)

    def _open(self, match: re.Match[str]) -> str:
        label, packed = match.groups()
        try:
            raw = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
            plain = self._cipher.decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], self._bound(label)
            )
        except (InvalidTag, Base64Error, ValueError):
            return match.group()
        return plain.decode("utf-8", "surrogatepass")

    def _bound(self, label: str) -> bytes:
        return f"{label}\0{self._context}".encode("utf-8", "surrogatepass")


def get_operator(operator: Operator | OperatorName) -> Operator:
    """Return the operator of that name, or the one given."""
    if callable(operator):
        return operator
    if operator == "label":
        return write_label
    if operator == "mask":
        return write_mask
    if operator == "placeholder":
        return Vocabulary()
    raise ValueError(f"Unknown operator {operator!r}.")
