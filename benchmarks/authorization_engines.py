"""The contenders: each is made from a workload and answers (person, code)."""

# ruff: noqa: PLC0415 - other people's engines are imported when their turn comes

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.authorization_workload import Workload, held_by_all
from rbac.policy import Role, Snapshot
from rbac.policy.roles import Grant

Check = Callable[[int, str], bool]

CASBIN_MODEL = """
[request_definition]
r = sub, act
[policy_definition]
p = sub, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = (p.act == r.act || p.act == "*") && g(r.sub, p.sub)
"""


def lookup(workload: Workload) -> Check:
    """Return the limit: all is known beforehand, one frozenset a person."""
    sets = held_by_all(workload)

    def check(person: int, code: str) -> bool:
        return code in sets[person]

    return check


def snapshot_of(workload: Workload) -> Snapshot:
    """Return the compiled policy."""
    roles = (
        Role(name, role.parents, tuple(Grant(name, code) for code in role.own))
        for name, role in workload.roles.items()
    )
    return Snapshot.build(roles, workload.codes)


def compiled(workload: Workload) -> Check:
    """Return what `check_permission` ends in once the person's entry is at hand."""
    snapshot = snapshot_of(workload)
    entries = [snapshot.entry(given) for given in workload.people]

    def check(person: int, code: str) -> bool:
        return entries[person].quick(code) is True

    return check


class RecursiveRoles:
    """The reference chapter's way: collect a person's permissions at each question."""

    def __init__(self, workload: Workload) -> None:
        self.roles = workload.roles
        self.people = workload.people

    def check(self, person: int, code: str) -> bool:
        """Whether the permission, or all of them, is among the person's."""
        held = set[str]()
        for name in self.people[person]:
            held.update(self._granted(name))
        return "*" in held or code in held

    def _granted(self, name: str) -> set[str]:
        role = self.roles[name]
        found = set(role.own)
        for parent in role.parents:
            found.update(self._granted(parent))
        return found


def recursive(workload: Workload) -> Check:
    """Return the reference chapter's check."""
    return RecursiveRoles(workload).check


def pycasbin(workload: Workload) -> Check:
    """Return pycasbin's check, the cheap half of its matcher asked first."""
    import casbin  # type: ignore[import-untyped] # has no types

    lines = [
        f"p, {name}, {code}"
        for name, role in workload.roles.items()
        for code in role.own
    ]
    lines += [
        f"g, {name}, {parent}"
        for name, role in workload.roles.items()
        for parent in role.parents
    ]
    lines += [
        f"g, person_{number}, {name}"
        for number, given in enumerate(workload.people)
        for name in given
    ]
    with tempfile.TemporaryDirectory() as folder:
        model, policy = Path(folder, "model.conf"), Path(folder, "policy.csv")
        model.write_text(CASBIN_MODEL)
        policy.write_text("\n".join(lines))
        enforcer = casbin.Enforcer(str(model), str(policy))

    def check(person: int, code: str) -> bool:
        return bool(enforcer.enforce(f"person_{person}", code))

    return check


def cedar(workload: Workload) -> Check:
    """Return cedarpy's check, policies and entities parsed beforehand."""
    import cedarpy

    def actions(codes: tuple[str, ...]) -> str:
        if "*" in codes:
            return "action"
        listed = ", ".join(f'Action::"{code}"' for code in codes)
        return f"action in [{listed}]"

    policies = cedarpy.PolicySet.from_str(
        "\n".join(
            f'permit(principal in Role::"{name}", {actions(role.own)}, resource);'
            for name, role in workload.roles.items()
        )
    )

    def entity(kind: str, name: str, roles: tuple[str, ...]) -> dict[str, object]:
        parents = [{"type": "Role", "id": role} for role in roles]
        return {"uid": {"type": kind, "id": name}, "attrs": {}, "parents": parents}

    found = [entity("Role", name, r.parents) for name, r in workload.roles.items()]
    found += [
        entity("Person", str(number), given)
        for number, given in enumerate(workload.people)
    ]
    entities = cedarpy.Entities.from_json_str(json.dumps(found))

    def check(person: int, code: str) -> bool:
        request = {
            "principal": f'Person::"{person}"',
            "action": f'Action::"{code}"',
            "resource": 'Thing::"any"',
            "context": {},
        }
        return bool(cedarpy.is_authorized(request, policies, entities).allowed)

    return check
