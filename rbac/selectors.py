"""Reads of policy: stamps, the compiled snapshot, and what one person's roles come to.

A cached entry is used only while the stamps that it was tagged with still hold. Stamps
are read before the rows, so a change in between makes the tag old, never the rows.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Q, QuerySet

from chatsec.core.context import Person
from chatsec.core.errors import NotFound
from rbac import policy
from rbac.constants import PUBLIC_ROLE
from rbac.models import Assignment, Role, RoleGrant, RoleParent
from rbac.policy import Entry, Snapshot
from rbac.policy.matrix import Row, matrix_of
from rbac.policy.roles import bare_code

MAX_ENTRIES = 20_000
_HELD = "_policy_stamp_held"
_AT_FIRST_CHECK = "at first check"


class Stamp(NamedTuple):
    """What dates a person's entry: the policy's revision and his assignments'."""

    policy: UUID
    person: UUID | None = None


class _Tagged(NamedTuple):
    stamp: Stamp
    entry: Entry


_READ_STAMP = (
    "SELECT policy.revision, person.revision FROM rbac_policystamp policy"
    " LEFT JOIN rbac_userstamp person ON person.user_id = %s"
)
_lock = threading.Lock()
_snapshot: tuple[UUID, Snapshot] | None = None
_entries: OrderedDict[UUID, _Tagged] = OrderedDict()


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
        return snapshot(read_stamp(None).policy).entry(())
    if at is not None:
        return _compile(person.id, read_stamp(person.id), at)
    return _current(person).entry


def _current(person: Person) -> _Tagged:
    stamp = _stamp_of(person)
    cached = _entries.get(person.id)
    now = time.time()
    if cached is not None and cached.stamp == stamp and now < cached.entry.valid_until:
        return cached
    entry = _compile(person.id, stamp, datetime.fromtimestamp(now, UTC))
    tagged = _Tagged(stamp, entry)
    with _lock:
        _entries[person.id] = tagged
        _entries.move_to_end(person.id)
        while len(_entries) > MAX_ENTRIES:
            _entries.popitem(last=False)
    return tagged


def active_closure(person: Person | None) -> frozenset[str]:
    """Return the names of the roles that count now, with all that they inherit."""
    if person is None:
        policy_now = current_snapshot()
        names = policy_now.entry(()).roles
    else:
        stamp, entry = _current(person)
        policy_now, names = snapshot(stamp.policy), entry.roles
    compiled = [policy_now.roles[name] for name in names if name in policy_now.roles]
    return frozenset(name for role in compiled for name in role.closure)


def _compile(person_id: UUID, stamp: Stamp, now: datetime) -> Entry:
    live = list(
        list_live_assignments(person_id, now=now).values_list(
            "role__name", "valid_from", "valid_until"
        )
    )
    active = [name for name, start, _ in live if start <= now]
    ends = [end for _, start, end in live if end is not None and start <= now]
    starts = [start for _, start, _ in live if start > now]
    change = min([*ends, *starts], default=None)
    return snapshot(stamp.policy).entry(active, valid_until=change)


def snapshot(revision: UUID) -> Snapshot:
    """Return the compiled policy of that revision, loading it if it is another."""
    global _snapshot  # noqa: PLW0603  one per process, replaced whole
    held = _snapshot
    if held is not None and held[0] == revision:
        return held[1]
    loaded = Snapshot.build(list_roles_as_policy(), list_codes())
    _snapshot = (revision, loaded)
    return loaded


def current_snapshot() -> Snapshot:
    """Return the compiled policy as it is now."""
    return snapshot(read_stamp(None).policy)


def list_codes() -> list[str]:
    """Return every registered permission code, this app's without `rbac.`."""
    rows = Permission.objects.order_by().values_list(
        "content_type__app_label", "codename"
    )
    return sorted(bare_code(f"{app}.{codename}") for app, codename in rows)


def list_roles_as_policy() -> list[policy.Role]:
    """Return all stored roles as the decision engine takes them."""
    parents: dict[UUID, list[str]] = defaultdict(list)
    for role_id, parent in RoleParent.objects.order_by("parent__name").values_list(
        "role_id", "parent__name"
    ):
        parents[role_id].append(parent)
    grants: dict[UUID, list[RoleGrant]] = defaultdict(list)
    for row in RoleGrant.objects.all():
        grants[row.role_id].append(row)
    return [
        policy.Role(
            name=role.name,
            parents=tuple(parents[role.id]),
            grants=tuple(_as_grant(role.name, row) for row in grants[role.id]),
        )
        for role in Role.objects.all()
    ]


def _as_grant(role: str, row: RoleGrant) -> policy.Grant:
    # Written past the services, `columns` can hold any JSON; then it covers nothing.
    columns = row.columns
    if columns is not None and not isinstance(columns, list):
        columns = []
    return policy.grant(
        role,
        row.code,
        effect="deny" if row.effect == RoleGrant.Effect.DENY else "allow",
        condition=row.condition,
        row_filter=row.row_filter,
        columns=columns if columns is None else [str(name) for name in columns],
        requires_step_up=row.requires_step_up,
    )


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
