"""What was released is remembered, so that no two answers tell a third."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import connection, transaction

from chat.constants import MAX_REMEMBERED_GROUPS, RELEASES_REMEMBERED_FOR
from chat.datasets.groups import Group, Persons, isolates
from chat.errors import TooManyGroups, TooSimilar
from chat.models import ReleasedGroup

WIDTH = 8


@dataclass(frozen=True)
class Grid:
    """The relation that figures are of, and the columns that its units are cut by."""

    relation: bytes
    basis: bytes


def remember_release(
    user_id: UUID,
    grid: Grid,
    groups: Sequence[Group],
    *,
    persons: Persons,
    now: datetime,
) -> None:
    """Note that the groups' figures are shown to the user; raise TooSimilar if not.

    Together with what he was shown in the last 24 hours they must not tell a figure of
    fewer than five people. Of two parallel questions the second sees the first.
    """
    with transaction.atomic():
        _lock(user_id, grid.relation)
        earlier = list(
            ReleasedGroup.objects.filter(
                user_id=user_id,
                relation_digest=grid.relation,
                released_at__gt=now - RELEASES_REMEMBERED_FOR,
            )
        )
        if any(bytes(row.basis_digest) != grid.basis for row in earlier):
            raise TooSimilar
        new = {_digest(group): group for group in groups}
        known = {bytes(row.group_digest) for row in earlier}
        if not new.keys() <= known:
            _refuse_isolating(earlier, list(new.values()), persons)
        _keep(user_id, grid, new, persons=persons, now=now)


def _lock(user_id: UUID, relation: bytes) -> None:
    digest = sha256(user_id.bytes + relation).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _refuse_isolating(
    earlier: Sequence[ReleasedGroup], new: Sequence[Group], persons: Persons
) -> None:
    known: dict[bytes, bytes] = dict(persons)
    remembered: list[Group] = []
    for row in earlier:
        members = dict(_pairs(bytes(row.members)))
        known.update(members)
        remembered.append(frozenset(members))
    related = _related(remembered, new)
    if len(related) > MAX_REMEMBERED_GROUPS:
        raise TooManyGroups
    if isolates([*related, *new], known):
        raise TooSimilar


def _related(remembered: Sequence[Group], new: Sequence[Group]) -> list[Group]:
    """Return the groups that share a unit with the new ones, directly or by others."""
    reached: set[bytes] = set().union(*new)
    found: list[Group] = []
    rest = list(remembered)
    while touching := [group for group in rest if not reached.isdisjoint(group)]:
        found += touching
        rest = [group for group in rest if reached.isdisjoint(group)]
        reached.update(*touching)
    return found


def _keep(
    user_id: UUID,
    grid: Grid,
    new: Mapping[bytes, Group],
    *,
    persons: Persons,
    now: datetime,
) -> None:
    """Keep each group once; one that is shown again is remembered from now on."""
    rows = [
        ReleasedGroup(
            user_id=user_id,
            relation_digest=grid.relation,
            basis_digest=grid.basis,
            group_digest=digest,
            members=b"".join(unit + persons[unit] for unit in sorted(group)),
            persons=len({persons[unit] for unit in group}),
            released_at=now,
        )
        for digest, group in new.items()
    ]
    ReleasedGroup.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["user", "relation_digest", "basis_digest", "group_digest"],
        update_fields=["released_at"],
    )


def _digest(group: Group) -> bytes:
    return sha256(b"".join(sorted(group))).digest()


def _pairs(members: bytes) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(members), 2 * WIDTH):
        middle = start + WIDTH
        yield members[start:middle], members[middle : middle + WIDTH]
