"""From the commit of one edited grant to the next right answer, at 10,000 roles.

10,000 roles five deep with 40 grants each, all of them below one root. Edited are a
grant of a role that nobody inherits from, and one of the root. Also a whole check
through `user.has_perm`. Engines are started for the measurement and thrown away.

    python -m benchmarks authorization_edit
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import os
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks import own_engines
from benchmarks.measure import interleaved, report, say

if TYPE_CHECKING:
    from accounts.models import User

ROLES, EACH, EDITS = 10_000, 40, 20

# Copies of one stored grant, whatever columns it has.
FILL = """
INSERT INTO rbac_rolegrant
SELECT made.* FROM rbac_rolegrant pattern, rbac_role role,
    generate_series(1, %(each)s) place,
    LATERAL jsonb_populate_record(pattern, jsonb_build_object(
        'id', gen_random_uuid(), 'role_id', role.id,
        'code', 'code_' || ((substr(role.name, 6)::int * 7 + place * 19) %% 2000)
    )) made
WHERE pattern.code = 'pattern' AND role.name ~ '^role_[0-9]+$';
DELETE FROM rbac_rolegrant WHERE code = 'pattern';
ANALYZE;
"""
GUARD = "ALTER TABLE rbac_roleparent {} TRIGGER rbac_refuse_cycle"


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.authorization_edit")


def _measure() -> None:
    own_engines.prepare()

    from rbac import selectors

    started = perf_counter()
    _fill()
    say(f"  {ROLES:,} roles with {EACH} grants stored in {_since(started):.1f} s")
    started = perf_counter()
    selectors.current_snapshot()
    say(f"  read and compiled as a whole in {_since(started):.1f} s")
    user = _person_of(f"role_{ROLES - 1}")
    for name in (f"role_{ROLES - 1}", "role_0"):
        _edit(user, name)
    _ask(user)


def _fill() -> None:
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType
    from django.db import connections

    from rbac.models import Role, RoleGrant, RoleParent

    roles = [Role(name=f"role_{number}") for number in range(ROLES)]
    layer = ROLES // 5
    links = [
        RoleParent(role=role, parent=roles[max(number - layer, 0)])
        for number, role in enumerate(roles)
        if number
    ]
    domain = ContentType.objects.get(app_label="rbac", model="domain")
    codes = [f"code_{number}" for number in range(2000)] + ["only_here", "elsewhere"]
    Permission.objects.bulk_create(
        [Permission(content_type=domain, codename=code) for code in codes]
    )
    Role.objects.bulk_create(roles)
    RoleGrant.objects.create(role=roles[0], code="pattern")
    with connections["owner"].cursor() as cursor:
        # The trigger that looks for cycles would look ten thousand times.
        cursor.execute(GUARD.format("DISABLE"))
        RoleParent.objects.bulk_create(links)
        cursor.execute(GUARD.format("ENABLE"))
        cursor.execute(FILL, {"each": EACH})


def _person_of(role: str) -> User:
    from accounts.tests.factories import make_user
    from rbac.tests.factories import give_role

    user = make_user("person")
    give_role(user, role)
    return user


def _edit(user: User, name: str) -> None:
    """Turn one grant on and off, asking at once; nothing else changes meanwhile."""
    from rbac.models import RoleGrant
    from rbac.services import check_permission

    row = RoleGrant.objects.filter(role__name=name).first()
    if row is None:
        raise SystemExit("there is no grant to edit")
    check_permission(user, "only_here")
    edits, checks = [], []
    for number in range(EDITS):
        code = "only_here" if number % 2 == 0 else "elsewhere"
        started = perf_counter()
        RoleGrant.objects.filter(pk=row.pk).update(code=code)
        edits.append(_since(started) * 1000)
        started = perf_counter()
        found = check_permission(user, "only_here")
        checks.append(_since(started) * 1000)
        if found is not (code == "only_here"):
            raise SystemExit("a stale answer")
    load = os.getloadavg()[0]
    say(f"\nOne grant of {name} edited, {EDITS} times  (load {load:.1f})")
    say(f"  the edit itself                    {median(edits):>8.1f} ms")
    say(f"  the next check, right each time    {median(checks):>8.1f} ms")
    say(f"  the slowest of them                {max(checks):>8.1f} ms")


def _ask(user: User) -> None:
    from chatsec.core.context import Actor, ActorKind
    from rbac import selectors
    from rbac.services import check_permission
    from rbac.services.deciding import entry_of

    entry = entry_of(Actor(kind=ActorKind.USER, person=user))
    reading = {
        "user.has_perm, the stamp read": lambda: user.has_perm("rbac.code_1"),
    }
    samples = interleaved(reading, rounds=200)
    selectors.keep_stamp(user, selectors.read_stamp(user.pk))
    held = {
        "the entry's check": lambda: entry.quick("code_1"),
        "check_permission, the stamp held": lambda: check_permission(user, "code_1"),
        "user.has_perm, the stamp held": lambda: user.has_perm("rbac.code_1"),
    }
    samples |= interleaved(held, rounds=200, repeat=20)
    report("A whole check", samples, baseline="the entry's check")


def _since(started: float) -> float:
    return perf_counter() - started


if __name__ == "__main__":
    _measure()
