"""What people's roles come to under one snapshot, for as many people as are let in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from rbac.policy.compilation import Entry, Snapshot

MAX_PEOPLE = 100_000


class _Dated(NamedTuple):
    revision: int | None
    entry: Entry


class EntryCache:
    """Entries by person, dated with the revision of his assignments.

    Two generations: who is asked about moves to the young one, and when that holds half
    of the limit the old one is dropped. So those asked about least recently go, a hit
    costs no bookkeeping, and one person costs some 250 bytes. People of the same roles
    share one entry.
    """

    __slots__ = ("_half", "_old", "_shared", "_young", "snapshot")

    def __init__(self, snapshot: Snapshot, *, limit: int = MAX_PEOPLE) -> None:
        self.snapshot = snapshot
        self._half = max(limit // 2, 1)
        # By number: hashing and comparing a UUID takes longer than the check itself.
        self._young: dict[int, _Dated] = {}
        self._old: dict[int, _Dated] = {}
        self._shared: dict[tuple[str, ...], Entry] = {}

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def find(self, person: UUID, revision: UUID | None, *, now: float) -> Entry | None:
        """Return the person's entry if it is of that revision and not over."""
        key = person.int
        dated = self._young.get(key)
        if dated is None:
            dated = self._old.get(key)
            if dated is None:
                return None
            self._keep(key, dated)
        if dated.revision != (None if revision is None else revision.int):
            return None
        return dated.entry if now < dated.entry.valid_until else None

    def add(
        self,
        person: UUID,
        revision: UUID | None,
        roles: Iterable[str],
        *,
        valid_until: datetime | None = None,
    ) -> Entry:
        """Return what the roles come to, kept for this person and revision."""
        entry = self._entry_of(roles)
        if valid_until is not None:
            entry = replace(entry, valid_until=valid_until.timestamp())
        number = None if revision is None else revision.int
        self._keep(person.int, _Dated(number, entry))
        return entry

    def _entry_of(self, roles: Iterable[str]) -> Entry:
        names = self.snapshot.effective(roles)
        entry = self._shared.get(names)
        if entry is None:
            entry = self.snapshot.entry(names)
            if len(self._shared) >= 2 * self._half:
                self._shared = {}
            self._shared[entry.roles] = entry
        return entry

    def _keep(self, key: int, dated: _Dated) -> None:
        # Two threads may both find it full: then more is forgotten, never kept.
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = dated
