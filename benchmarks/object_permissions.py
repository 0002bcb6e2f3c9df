"""Lists of what somebody may see: `objects_for` beside guardian's own shortcut.

100,000 collections, 10,000 users with ten of their own each and two of 500 roles that
hold fifty each; a light user is one of them, a heavy one holds 10,000 more. Both
contenders read the same rows: for this measurement alone the users are in the roles'
groups, where guardian looks for them. Their answers are compared first.

    python -m benchmarks object_permissions
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import own_engines

ROUNDS = 60
OBJECTS, USERS, ROLES = 100_000, 10_000, 500
HEAVY = 10_000
PAGE = 50
PERMISSION = "chat.view_knowledgecollection"

LET_GROUPS_HAVE_MEMBERS = """
ALTER TABLE accounts_user_groups DISABLE TRIGGER rbac_no_role_members
"""
OBJECT_ROWS = """
INSERT INTO chat_knowledgecollection (id, name, description, updated_at)
SELECT gen_random_uuid(), 'Collection ' || n, '', now()
FROM generate_series(1, %(objects)s) n
"""
NUMBERED = """
CREATE TEMPORARY TABLE numbered_objects AS
SELECT id, row_number() OVER () - 1 AS n FROM chat_knowledgecollection;
CREATE UNIQUE INDEX ON numbered_objects (n);
CREATE TEMPORARY TABLE numbered_users AS
SELECT id, row_number() OVER (ORDER BY username) - 1 AS n FROM accounts_user;
CREATE TEMPORARY TABLE numbered_groups AS
SELECT group_id, row_number() OVER (ORDER BY group_id) - 1 AS n FROM rbac_rolegroup
"""
OWN_ROWS = """
INSERT INTO chat_collectionuserpermission (user_id, content_object_id, permission_id)
SELECT u.id, o.id, %(permission)s FROM numbered_users u
CROSS JOIN generate_series(0, 9) k
JOIN numbered_objects o ON o.n = (u.n * 7919 + k * 104729) %% %(objects)s
ON CONFLICT DO NOTHING
"""
HEAVY_ROWS = """
INSERT INTO chat_collectionuserpermission (user_id, content_object_id, permission_id)
SELECT %(user)s, o.id, %(permission)s FROM numbered_objects o
WHERE o.n %% (%(objects)s / %(heavy)s) = 0
ON CONFLICT DO NOTHING
"""
GROUP_ROWS = """
INSERT INTO chat_collectiongrouppermission (group_id, content_object_id, permission_id)
SELECT g.group_id, o.id, %(permission)s FROM numbered_groups g
CROSS JOIN generate_series(0, 49) k
JOIN numbered_objects o ON o.n = (g.n * 6151 + k * 50021) %% %(objects)s
ON CONFLICT DO NOTHING
"""
MEMBERS = """
INSERT INTO accounts_user_groups (user_id, group_id)
SELECT u.id, g.group_id FROM numbered_users u CROSS JOIN generate_series(0, 1) k
JOIN numbered_groups g ON g.n = (u.n * 31 + k * 17) %% %(roles)s
ON CONFLICT DO NOTHING
"""
ASSIGNMENTS = """
INSERT INTO rbac_assignment (
    id, user_id, role_id, valid_from, reason, created_at, revoke_reason
)
SELECT gen_random_uuid(), m.user_id, r.role_id, now(), 'measured', now(), ''
FROM accounts_user_groups m JOIN rbac_rolegroup r ON r.group_id = m.group_id
"""


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.object_permissions")


def _measure() -> None:
    own_engines.prepare()

    from benchmarks.measure import interleaved, report

    people = _fill()
    for name, person in people.items():
        asked = _contenders(person)
        count = _compare(name, asked)
        for what, work in (("count", _count), (f"page of {PAGE}", _page)):
            contenders = {who: work(rows) for who, rows in asked.items()}
            title = f"{name}, {count:,} objects, {what}"
            samples = interleaved(contenders, rounds=ROUNDS)
            report(title, samples, baseline="objects_for")


def _fill() -> dict[str, Any]:
    """Return a light and a heavy user among the rows."""
    from django.contrib.auth.models import Group, Permission
    from django.db import connections

    from accounts.models import User
    from rbac.models import Role, RoleGroup

    users = User.objects.bulk_create(
        User(username=f"user{n}", email_index=n.to_bytes(32)) for n in range(USERS)
    )
    roles = Role.objects.bulk_create(Role(name=f"role{n}") for n in range(ROLES))
    groups = Group.objects.bulk_create(
        Group(name=f"role:role{n}") for n in range(ROLES)
    )
    RoleGroup.objects.bulk_create(
        RoleGroup(role=role, group=group)
        for role, group in zip(roles, groups, strict=True)
    )
    light, heavy = users[1], users[2]
    known: dict[str, Any] = {
        "objects": OBJECTS,
        "roles": ROLES,
        "heavy": HEAVY,
        "user": heavy.pk,
        "permission": Permission.objects.get(codename=PERMISSION.split(".")[1]).pk,
    }
    # As the owner: the application may make no temporary tables, nor lift the trigger.
    with connections["owner"].cursor() as cursor:
        cursor.execute(LET_GROUPS_HAVE_MEMBERS)
        cursor.execute(OBJECT_ROWS, known)
        cursor.execute(NUMBERED)
        for fill in (OWN_ROWS, HEAVY_ROWS, GROUP_ROWS, MEMBERS, ASSIGNMENTS):
            cursor.execute(fill, known)
        cursor.execute("VACUUM ANALYZE")
    return {"light": light, "heavy": heavy}


def _contenders(person: Any) -> dict[str, Callable[[], Any]]:
    from guardian.shortcuts import get_objects_for_user

    from chat.models import KnowledgeCollection
    from rbac.services import objects_for

    rows = KnowledgeCollection.objects.order_by("pk")
    return {
        "objects_for": lambda: objects_for(person, PERMISSION, rows),
        "guardian get_objects_for_user": lambda: get_objects_for_user(
            person, PERMISSION, rows
        ),
    }


def _compare(name: str, asked: dict[str, Callable[[], Any]]) -> int:
    found = [set(rows().values_list("pk", flat=True)) for rows in asked.values()]
    if found[0] != found[1] or not found[0]:
        raise SystemExit(f"{name}: the answers differ")
    return len(found[0])


def _count(rows: Callable[[], Any]) -> Callable[[], object]:
    return lambda: rows().count()


def _page(rows: Callable[[], Any]) -> Callable[[], object]:
    return lambda: list(rows()[:PAGE])


if __name__ == "__main__":
    _measure()
