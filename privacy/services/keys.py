"""Subject keys: made on first use, wrapped, cached for a minute, destroyed for good.

A data key is AES-256-GCM-wrapped under a key-encryption key that lives outside the
database, in numbered epochs; the newest epoch wraps. Destroying the data key makes all
that was sealed for the person unreadable at once (NIST SP 800-88, cryptographic erase).
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connections, router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from chatsec.core import crypto
from privacy.models import SubjectKey

CACHE_SECONDS = 60
CACHE_SIZE = 10_000
REWRAP_BATCH = 500


class Secret(NamedTuple):
    """What is known of one subject; no key once it was destroyed."""

    key: bytes | None
    pseudonym: UUID


class _Cached(NamedTuple):
    secret: Secret
    until: float


class KeyCache:
    """Committed keys, least recently used out first, none older than a minute."""

    def __init__(
        self, *, size: int = CACHE_SIZE, seconds: float = CACHE_SECONDS
    ) -> None:
        self._size = size
        self._seconds = seconds
        self._entries: OrderedDict[UUID, _Cached] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, subject_id: UUID) -> Secret | None:
        """Return what is cached and still fresh."""
        with self._lock:
            entry = self._entries.get(subject_id)
            if entry is None:
                return None
            if entry.until <= time.monotonic():
                del self._entries[subject_id]
                return None
            self._entries.move_to_end(subject_id)
            return entry.secret

    def put(self, subject_id: UUID, secret: Secret) -> None:
        """Keep `secret`, unless the key is known to be destroyed."""
        with self._lock:
            entry = self._entries.get(subject_id)
            # A reader that was slower than the destruction must not bring the key back.
            if (
                entry is not None
                and entry.secret.key is None
                and secret.key is not None
            ):
                return
            until = time.monotonic() + self._seconds
            self._entries[subject_id] = _Cached(secret, until)
            self._entries.move_to_end(subject_id)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everybody."""
        with self._lock:
            self._entries.clear()


_cache = KeyCache()


@dataclass(frozen=True, slots=True)
class _CacheOnCommit:
    """A cache entry that waits for its transaction.

    It sits in the connection's list of commit hooks, from which Django drops it when
    the savepoint or the transaction that made it rolls back. So the list is also the
    cache inside of a transaction, and it never holds a key whose row is gone.
    """

    subject_id: UUID
    secret: Secret

    def __call__(self) -> None:
        _cache.put(self.subject_id, self.secret)


class DatabaseSubjectKeys:
    """Keys and pseudonyms out of the database (`chatsec.core.crypto.SubjectKeys`)."""

    def data_key(self, subject_id: UUID) -> bytes:
        """Return the subject's key, made on first use; raise KeyDestroyed."""
        key = _secret(subject_id).key
        if key is None:
            raise crypto.KeyDestroyed(str(subject_id))
        return key

    def pseudonym(self, subject_id: UUID) -> UUID:
        """Return the random id under which evidence knows the subject."""
        return _secret(subject_id).pseudonym

    def subject_of(self, pseudonym: UUID) -> UUID | None:
        """Return whose pseudonym this is, or None once they are erased."""
        return self.subjects_of([pseudonym]).get(pseudonym)

    def subjects_of(self, pseudonyms: Iterable[UUID]) -> dict[UUID, UUID]:
        """Return the subjects behind many pseudonyms, in one query."""
        rows = SubjectKey.objects.filter(
            pseudonym__in=set(pseudonyms), destroyed_at__isnull=True
        )
        return dict(rows.values_list("pseudonym", "subject_id"))

    def warm(self, subject_ids: Iterable[UUID]) -> None:
        """Load the keys of many subjects in one query, before a list is read."""
        missing = {each for each in subject_ids if _known(each) is None}
        for row in SubjectKey.objects.filter(subject_id__in=missing):
            _remember(row.subject_id, _opened(row))


def lock_subject(subject_id: UUID) -> None:
    """Let one transaction at a time decide something about the subject."""
    _secret(subject_id)  # the row that is locked must be there
    SubjectKey.objects.select_for_update().get(subject_id=subject_id)


def destroy_key(subject_id: UUID) -> None:
    """Make everything sealed for the subject unreadable, and cut the pseudonym off.

    In this process at commit; in others when their cache entry ends (one minute).
    Evidence under the former pseudonym stays, and leads to nobody.
    """
    with transaction.atomic():
        _secret(subject_id)  # a subject without a key must not get one later
        row = SubjectKey.objects.select_for_update().get(subject_id=subject_id)
        if row.destroyed_at is not None:
            return
        row.wrapped_key = b""
        row.pseudonym = uuid.uuid4()
        row.destroyed_at = timezone.now()
        row.save(update_fields=["wrapped_key", "pseudonym", "destroyed_at"])
        _remember(subject_id, Secret(None, row.pseudonym))


def rewrap_batch(*, limit: int = REWRAP_BATCH) -> int:
    """Wrap the next keys of older epochs under the newest; return how many it did."""
    newest = newest_epoch()
    with transaction.atomic():
        rows = list(
            _of_older_epochs(newest).select_for_update(skip_locked=True)[:limit]
        )
        for row in rows:
            row.wrapped_key = _wrap(row.subject_id, _unwrap(row), epoch=newest)
            row.kek_epoch = newest
        SubjectKey.objects.bulk_update(rows, ["wrapped_key", "kek_epoch"])
    return len(rows)


def count_older_epochs() -> int:
    """Return how many living keys are not wrapped under the newest epoch."""
    return _of_older_epochs(newest_epoch()).count()


def newest_epoch() -> int:
    """Return the epoch that wraps new keys."""
    return max(settings.CHATSEC_KEY_ENCRYPTION_KEYS)


def forget_cached_keys() -> None:
    """Empty this process's cache; the next use reads the database."""
    _cache.clear()


def _of_older_epochs(newest: int) -> QuerySet[SubjectKey]:
    rows = SubjectKey.objects.filter(destroyed_at__isnull=True, kek_epoch__lt=newest)
    return rows.order_by("subject_id")


def _secret(subject_id: UUID) -> Secret:
    known = _known(subject_id)
    if known is not None:
        return known
    row = SubjectKey.objects.filter(subject_id=subject_id).first()
    secret = _opened(row if row is not None else _made(subject_id))
    _remember(subject_id, secret)
    return secret


def _known(subject_id: UUID) -> Secret | None:
    """Look into this transaction first: it may have destroyed what is cached."""
    for hook in reversed(connections[_database()].run_on_commit):
        waiting = hook[1]
        if isinstance(waiting, _CacheOnCommit) and waiting.subject_id == subject_id:
            return waiting.secret
    return _cache.get(subject_id)


def _remember(subject_id: UUID, secret: Secret) -> None:
    transaction.on_commit(_CacheOnCommit(subject_id, secret), using=_database())


@cache
def _database() -> str:
    return router.db_for_write(SubjectKey)


def _made(subject_id: UUID) -> SubjectKey:
    """Insert a key; when another was first (and committed), that one counts."""
    epoch = newest_epoch()
    wrapped = _wrap(subject_id, os.urandom(crypto.KEY_BYTES), epoch=epoch)
    mine = SubjectKey(subject_id=subject_id, wrapped_key=wrapped, kek_epoch=epoch)
    SubjectKey.objects.bulk_create([mine], ignore_conflicts=True)
    return SubjectKey.objects.get(subject_id=subject_id)


def _opened(row: SubjectKey) -> Secret:
    key = None if row.destroyed_at is not None else _unwrap(row)
    return Secret(key, row.pseudonym)


def _wrap(subject_id: UUID, key: bytes, *, epoch: int) -> bytes:
    return crypto.seal(
        _key_encryption_key(epoch), key, associated_data=_bound_to(subject_id, epoch)
    )


def _unwrap(row: SubjectKey) -> bytes:
    return crypto.open_sealed(
        _key_encryption_key(row.kek_epoch),
        bytes(row.wrapped_key),
        associated_data=_bound_to(row.subject_id, row.kek_epoch),
    )


def _bound_to(subject_id: UUID, epoch: int) -> bytes:
    return f"subject-key|{subject_id}|{epoch}".encode()


def _key_encryption_key(epoch: int) -> bytes:
    try:
        return bytes(settings.CHATSEC_KEY_ENCRYPTION_KEYS[epoch])
    except KeyError as error:
        message = f"no key-encryption key of epoch {epoch}"
        raise crypto.DecryptionFailed(message) from error
