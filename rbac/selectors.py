"""Reads of policy: stamps, the compiled snapshot, and what one person's roles come to.

A cached entry is used only while the stamps that it was tagged with still hold. Stamps
are read before the rows, so a change in between makes the tag old, never the rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Q, QuerySet

from chatsec.core.context import Person
from chatsec.core.errors import NotFound
from rbac.constants import PUBLIC_ROLE
from rbac.loading import list_codes as list_codes  # noqa: PLC0414 - for other apps
from rbac.loading import policy_at, read_revision
from rbac.models import Assignment, Role
from rbac.policy import Entry, Snapshot
from rbac.policy.matrix import Row, matrix_of

_HELD = "_policy_stamp_held"
_AT_FIRST_CHECK = "at first check"


class Stamp(NamedTuple):
    """What dates a person's entry: the policy's revision and his assignments'."""

    policy: UUID
    person: UUID | None = None


_READ_STAMP = (
    "SELECT policy.revision, person.revision FROM rbac_policystamp policy"
    " LEFT JOIN rbac_userstamp person ON person.user_id = %s"
)


def read_stamp(person_id: UUID | None) -> Stamp:
    """Return the stamps as they are now, by one index look-up."""
    with connection.cursor() as cursor:
        cursor.execute(_READ_STAMP, [person_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound("The policy has no stamp: run migrate.")
    return Stamp(row[0], row[1])


def hold_stamp(person: Person) -> None:
    """Let checks of this object share the stamp that the first of them reads.

    For edges, whose objects live one request.
    """
    if not isinstance(getattr(person, _HELD, None), Stamp):
        setattr(person, _HELD, _AT_FIRST_CHECK)


def keep_stamp(person: Person, stamp: Stamp) -> None:
    """Let checks of this object use a stamp that was read with the object itself."""
    setattr(person, _HELD, stamp)


def release_stamp(person: Person | None) -> None:
    """Read the stamp anew at each check of this object."""
    if person is not None and getattr(person, _HELD, None) is not None:
        setattr(person, _HELD, None)


def _stamp_of(person: Person) -> Stamp:
    held = getattr(person, _HELD, None)
    if isinstance(held, Stamp):
        return held
    stamp = read_stamp(person.id)
    if held is _AT_FIRST_CHECK:
        setattr(person, _HELD, stamp)
    return stamp


def entry_for(person: Person | None, *, at: datetime | None = None) -> Entry:
    """Return what the person's active roles come to; `public` alone for nobody.

    `at` asks about another moment and is answered without the cache.
    """
    if person is None:
        return current_snapshot().entry(())
    if at is not None:
        roles, change = _roles_at(person.id, at)
        return current_snapshot().entry(roles, valid_until=change)
    return _current(person)


def _current(person: Person) -> Entry:
    held = getattr(person, _HELD, None)
    stamp = _stamp_of(person)
    now = time.time()
    cached = policy_at(stamp.policy).entries.find(person.id, stamp.person, now=now)
    if cached is not None:
        return cached
    if stamp is held:
        # It may be older than a write of this very transaction, which must not come
        # to be dated with it: if that is rolled back, others would believe it.
        stamp = read_stamp(person.id)
    entries = policy_at(stamp.policy).entries
    roles, change = _roles_at(person.id, datetime.fromtimestamp(now, UTC))
    return entries.add(person.id, stamp.person, roles, valid_until=change)


class ActiveRoles(NamedTuple):
    """The names of the roles that count, with all that they inherit, and where."""

    names: frozenset[str]
    policy: Snapshot


def active_roles(entry: Entry) -> ActiveRoles:
    """Return the roles that count in the entry, with what they inherit."""
    compiled = (entry.snapshot.roles[name] for name in entry.roles)
    names = frozenset(name for role in compiled for name in role.closure)
    return ActiveRoles(names, entry.snapshot)


def _roles_at(person_id: UUID, now: datetime) -> tuple[list[str], datetime | None]:
    """Return the roles that count at that moment, and when that changes."""
    live = list(
        list_live_assignments(person_id, now=now).values_list(
            "role__name", "valid_from", "valid_until"
        )
    )
    active = [name for name, start, _ in live if start <= now]
    ends = [end for _, start, end in live if end is not None and start <= now]
    starts = [start for _, start, _ in live if start > now]
    return active, min([*ends, *starts], default=None)


def current_snapshot() -> Snapshot:
    """Return the compiled policy as it is now."""
    return policy_at(read_revision()).snapshot


def list_live_assignments(
    person_id: UUID, *, now: datetime
) -> QuerySet[Assignment, Assignment]:
    """Return the person's assignments that count now or will."""
    return Assignment.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=now),
        user_id=person_id,
        revoked_at__isnull=True,
    ).order_by()


def list_assignments() -> QuerySet[Assignment, Assignment]:
    """Return all assignments, past ones too, with people and roles."""
    return Assignment.objects.select_related("user", "role", "granted_by")


def list_roles() -> QuerySet[Role, Role]:
    """Return all roles with grants and parents at hand."""
    return Role.objects.prefetch_related("grants", "parents").order_by("name")


def get_role(name: str) -> Role:
    """Return the role of that name; raise NotFound."""
    found = list_roles().filter(name=name).first() if "\x00" not in name else None
    if found is None:
        raise NotFound("There is no such role.")
    return found


def role_names(person: Person) -> tuple[str, ...]:
    """Return the roles that the person has been given and that count now."""
    return tuple(name for name in entry_for(person).roles if name != PUBLIC_ROLE)


def known_roles(names: Iterable[str]) -> set[str]:
    """Return which of the names are roles."""
    return set(Role.objects.filter(name__in=list(names)).values_list("name", flat=True))


class Matrix(NamedTuple):
    """Roles and, for every permission of the domain, their cells."""

    roles: tuple[Role, ...]
    rows: tuple[Row, ...]
    names: dict[str, str]


def permission_matrix() -> Matrix:
    """Return the domain's permissions over all roles, seeded roles in their order."""
    roles = sorted(list_roles(), key=lambda role: (not role.is_system, role.created_at))
    names = dict(
        Permission.objects.filter(
            content_type__app_label="rbac", content_type__model="domain"
        )
        .order_by("pk")
        .values_list("codename", "name")
    )
    rows = matrix_of(current_snapshot(), roles=[r.name for r in roles], codes=names)
    return Matrix(tuple(roles), rows, names)
