"""The stored policy, compiled, as it was at each of the last few revisions.

After an edit only the roles are read again that the journal names since a revision that
is still at hand. A revision that was rolled back is not in the journal, so nothing is
ever built on it; without a known revision everything is read.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import connection

from chatsec.core.errors import NotFound
from rbac import policy
from rbac.models import Role, RoleGrant, RoleParent
from rbac.policy import Snapshot
from rbac.policy.cache import EntryCache
from rbac.policy.roles import bare_code

# The current one, one that a request still holds, one inside an open transaction.
_KEPT = 3
_PATIENCE_SECONDS = 10
_CHANGES = """
WITH base AS (
    SELECT id, revision FROM rbac_policychange
    WHERE revision = ANY(%s) ORDER BY id DESC LIMIT 1
)
SELECT DISTINCT base.revision, later.id IS NOT NULL, later.role_id
FROM base LEFT JOIN rbac_policychange later ON later.id > base.id
"""


class Loaded(NamedTuple):
    """The policy at one revision, with what people's roles came to under it."""

    revision: UUID
    snapshot: Snapshot
    names: Mapping[UUID, str]
    entries: EntryCache


class _Stored(NamedTuple):
    roles: list[policy.Role]
    names: dict[UUID, str]


class Line(NamedTuple):
    """What of a stored grant decides."""

    role_id: UUID
    code: str
    effect: str
    condition: str
    row_filter: str
    columns: object
    requires_step_up: bool


# Replaced whole, newest last.
_loaded: dict[UUID, Loaded] = {}
_loading = threading.Lock()


def policy_at(revision: UUID) -> Loaded:
    """Return the policy of that revision, or a newer one."""
    found = _loaded.get(revision)
    return _load() if found is None else found


def read_revision() -> UUID:
    """Return the policy's revision as this connection sees it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT revision FROM rbac_policystamp")
        row = cursor.fetchone()
    if row is None:
        raise NotFound("The policy has no stamp: run migrate.")
    revision: UUID = row[0]
    return revision


def _load() -> Loaded:
    """Load once for all threads; who has waited for long loads by himself."""
    is_ours = _loading.acquire(timeout=_PATIENCE_SECONDS)
    try:
        # Read here, before the rows: a revision that was read earlier, before a write
        # of the same transaction, must not come to date the rows of that write.
        revision = read_revision()
        found = _loaded.get(revision)
        return found or _kept(_refreshed(revision) or _whole(revision))
    finally:
        if is_ours:
            _loading.release()


def _kept(made: Loaded) -> Loaded:
    global _loaded  # noqa: PLW0603  one per process, replaced whole
    others = [found for found in _loaded.values() if found.revision != made.revision]
    newest = [*others[1 - _KEPT :], made]
    _loaded = {found.revision: found for found in newest}
    return made


def _whole(revision: UUID) -> Loaded:
    roles, names = _read_roles(None)
    snapshot = Snapshot.build(roles, list_codes())
    return Loaded(revision, snapshot, names, EntryCache(snapshot))


def _refreshed(revision: UUID) -> Loaded | None:
    """Return what is at hand with the journal's changes; None if that is not enough."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [list(_loaded)])
        rows = cursor.fetchall()
    touched = {role_id for _, is_change, role_id in rows if is_change}
    if not rows or None in touched:
        return None
    base = _loaded[rows[0][0]]
    roles, names = _read_roles(touched)
    known = {role_id: base.names[role_id] for role_id in touched & base.names.keys()}
    if any(names.get(role_id, name) != name for role_id, name in known.items()):
        return None  # renamed: its heirs name it too
    gone = [name for role_id, name in known.items() if role_id not in names]
    snapshot = base.snapshot.edited(roles, gone=gone)
    kept = {key: name for key, name in base.names.items() if key not in known}
    return Loaded(revision, snapshot, {**kept, **names}, EntryCache(snapshot))


def list_codes() -> list[str]:
    """Return every registered permission code, this app's without `rbac.`."""
    rows = Permission.objects.order_by().values_list(
        "content_type__app_label", "codename"
    )
    return sorted(bare_code(f"{app}.{codename}") for app, codename in rows)


def _read_roles(only: Collection[UUID] | None) -> _Stored:
    """Return the stored roles, all or these, as the decision engine takes them."""
    roles, links, lines = Role.objects, RoleParent.objects, RoleGrant.objects
    named = roles.all() if only is None else roles.filter(pk__in=only)
    stored = list(named.order_by().values_list("pk", "name", "requires_factor"))
    names = {role_id: name for role_id, name, _ in stored}
    linked = links.all() if only is None else links.filter(role__in=only)
    parents: dict[UUID, list[str]] = defaultdict(list)
    for role_id, parent in linked.order_by("parent__name").values_list(
        "role_id", "parent__name"
    ):
        parents[role_id].append(parent)
    granted = lines.all() if only is None else lines.filter(role__in=only)
    grants: dict[UUID, list[policy.Grant]] = defaultdict(list)
    for line in granted.values_list(*Line._fields):
        row = Line(*line)
        if row.role_id in names:
            grants[row.role_id].append(_as_grant(names[row.role_id], row))
    made = [
        policy.Role(name, tuple(parents[role_id]), tuple(grants[role_id]), strict)
        for role_id, name, strict in stored
    ]
    return _Stored(made, names)


def _as_grant(role: str, row: Line) -> policy.Grant:
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
