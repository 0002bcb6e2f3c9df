"""Entries of people: found by revision and time, bounded, shared between equals."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from rbac.policy import Role, Snapshot, grant
from rbac.policy.cache import EntryCache

CODES = ["read_a", "read_b"]
SNAPSHOT = Snapshot.build(
    [Role(name, grants=(grant(name, code),)) for name, code in zip("ab", CODES)],  # noqa: B905 - as long
    CODES,
)
ALICE, BOB = UUID(int=1), UUID(int=2)
FIRST, SECOND = UUID(int=11), UUID(int=12)


def test_it_finds_an_entry_by_its_revision_only():
    cache = EntryCache(SNAPSHOT)
    entry = cache.add(ALICE, FIRST, ["a"])

    assert cache.find(ALICE, FIRST, now=0) is entry
    assert cache.find(ALICE, SECOND, now=0) is None
    assert cache.find(ALICE, None, now=0) is None
    assert cache.find(BOB, FIRST, now=0) is None


def test_it_finds_the_entry_of_somebody_who_was_never_assigned_anything():
    cache = EntryCache(SNAPSHOT)
    entry = cache.add(ALICE, None, [])

    assert cache.find(ALICE, None, now=0) is entry
    assert cache.find(ALICE, FIRST, now=0) is None


def test_it_forgets_an_entry_at_the_moment_it_ends():
    cache = EntryCache(SNAPSHOT)
    end = datetime(2026, 1, 1, tzinfo=UTC)

    entry = cache.add(ALICE, FIRST, ["a"], valid_until=end)

    assert cache.find(ALICE, FIRST, now=end.timestamp() - 0.001) is entry
    assert cache.find(ALICE, FIRST, now=end.timestamp()) is None


def test_people_of_the_same_roles_share_one_entry_unless_it_ends():
    cache = EntryCache(SNAPSHOT)
    end = datetime(2026, 1, 1, tzinfo=UTC)

    one = cache.add(ALICE, FIRST, ["b", "a"])
    other = cache.add(BOB, SECOND, ["a", "b", "a"])
    ending = cache.add(BOB, SECOND, ["a", "b"], valid_until=end)

    assert one is other
    assert ending is not one
    assert ending.sure is one.sure
    assert cache.find(ALICE, FIRST, now=0).valid_until == float("inf")


@pytest.mark.parametrize("limit", [1, 2, 10, 11])
def test_it_never_keeps_more_than_the_limit(limit):
    cache = EntryCache(SNAPSHOT, limit=limit)

    for number in range(100):
        cache.add(UUID(int=number), None, ["a"] if number % 2 else ["b"])
        assert len(cache) <= max(limit, 2)

    assert cache.find(UUID(int=99), None, now=0)


def test_it_keeps_whoever_is_asked_about():
    cache = EntryCache(SNAPSHOT, limit=10)
    cache.add(ALICE, None, ["a"])

    for number in range(100, 200):
        cache.add(UUID(int=number), None, ["b"])
        assert cache.find(ALICE, None, now=0)

    assert cache.find(UUID(int=150), None, now=0) is None
