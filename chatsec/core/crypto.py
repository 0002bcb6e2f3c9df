"""Encryption at rest: AES-256-GCM, one key a person, one key a purpose.

A sealed blob is `version(1) | nonce(12) | ciphertext+tag(16)`: 29 bytes more than the
text. The associated data names table, column, subject and row, so a blob that is moved
to another place does not open (NIST SP 800-38D).
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.module_loading import import_string

VERSION = b"\x01"
NONCE_BYTES = 12
KEY_BYTES = 32


class DecryptionFailed(Exception):
    """The blob was changed, moved, or sealed under another key."""


class KeyDestroyed(DecryptionFailed):
    """The subject was erased: nothing sealed for them opens again."""


class Place(NamedTuple):
    """Where a sealed value lives."""

    table: str
    column: str
    row: UUID | int | str

    def associated_data(self, subject: UUID | str) -> bytes:
        """Return the bytes that bind a blob to this place and subject."""
        return f"{self.table}|{self.column}|{subject}|{self.row}".encode()


class SubjectKeys(Protocol):
    """Keys and pseudonyms of people; `CHATSEC_SUBJECT_KEYS` names the provider."""

    def data_key(self, subject_id: UUID) -> bytes:
        """Return the subject's key, made on first use; raise KeyDestroyed."""
        ...

    def pseudonym(self, subject_id: UUID) -> UUID:
        """Return the random id under which evidence knows the subject."""
        ...

    def subject_of(self, pseudonym: UUID) -> UUID | None:
        """Return whose pseudonym this is, or None once they are erased."""
        ...

    def subjects_of(self, pseudonyms: Iterable[UUID]) -> Mapping[UUID, UUID]:
        """Return the subjects behind many pseudonyms, in one query."""
        ...

    def warm(self, subject_ids: Iterable[UUID]) -> None:
        """Load the keys of many subjects in one query, before a list is read."""
        ...


@lru_cache(maxsize=1)
def subject_keys() -> SubjectKeys:
    """Return the provider that settings name."""
    provider: SubjectKeys = import_string(settings.CHATSEC_SUBJECT_KEYS)()
    return provider


def seal(key: bytes, plaintext: bytes, *, associated_data: bytes) -> bytes:
    """Encrypt so that only `key` and the same associated data open it."""
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def open_sealed(key: bytes, blob: bytes, *, associated_data: bytes) -> bytes:
    """Return the plaintext of `blob`; raise DecryptionFailed if anything differs."""
    blob = bytes(blob)
    if blob[:1] != VERSION or len(blob) <= NONCE_BYTES:
        raise DecryptionFailed("unknown format")
    nonce = blob[1 : 1 + NONCE_BYTES]
    try:
        return AESGCM(key).decrypt(nonce, blob[1 + NONCE_BYTES :], associated_data)
    except InvalidTag as error:
        raise DecryptionFailed("does not open here") from error


def seal_for(subject_id: UUID, text: str, *, place: Place) -> bytes:
    """Encrypt `text` under the subject's own key, bound to `place`."""
    key = subject_keys().data_key(subject_id)
    bound_to = place.associated_data(subject_id)
    return seal(key, text.encode(), associated_data=bound_to)


def open_for(subject_id: UUID, blob: bytes, *, place: Place) -> str:
    """Return the text sealed by `seal_for`; raise DecryptionFailed, KeyDestroyed."""
    key = subject_keys().data_key(subject_id)
    bound_to = place.associated_data(subject_id)
    return open_sealed(key, blob, associated_data=bound_to).decode()


@lru_cache(maxsize=64)
def derived_key(label: str) -> bytes:
    """Return the installation's 32-byte key for one purpose (HKDF, RFC 5869)."""
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=label.encode())
    return hkdf.derive(settings.CHATSEC_DATA_KEY)


def blind_index(label: str, value: str) -> bytes:
    """Return a keyed 32-byte digest: equal values meet, nobody else can guess."""
    return hmac.new(derived_key(f"index:{label}"), value.encode(), sha256).digest()
