"""Roles, people and questions for the measurements, and what is right by a plain walk.

Nothing here knows the policy engine: `answers` decides by sets and a graph, so that
every contender can be checked before it is timed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from random import Random  # noqa: TID251 - a repeatable workload, no secrets
from typing import NamedTuple

SEED = 2026
POOL = [f"permission_{number}" for number in range(2000)]
EMPLOYEE = ("read_public_faq", "read_company_directory", "read_own_data")


class RoleOf(NamedTuple):
    """What a role inherits and what it grants itself."""

    parents: tuple[str, ...]
    own: tuple[str, ...]


class Workload(NamedTuple):
    """Who asks for what: `questions` are pairs of a person's number and a code."""

    roles: Mapping[str, RoleOf]
    people: Sequence[tuple[str, ...]]
    codes: Sequence[str]
    questions: Sequence[tuple[int, str]]


SEVEN: Mapping[str, RoleOf] = {
    "public": RoleOf((), ("read_public_faq", "read_public_docs")),
    "employee": RoleOf((), EMPLOYEE),
    "sales_rep": RoleOf(
        ("employee",), ("read_sales", "write_sales_notes", "read_own_performance")
    ),
    "sales_manager": RoleOf(
        ("sales_rep",),
        ("read_team_sales", "read_team_performance", "approve_discounts"),
    ),
    "hr_specialist": RoleOf(
        ("employee",), ("read_hr_data", "write_hr_data", "read_pii")
    ),
    "finance": RoleOf(
        ("employee",),
        ("read_financial", "read_sales_aggregate", "export_financial_reports"),
    ),
    "admin": RoleOf((), ("*",)),
}


def small() -> Workload:
    """Return the seven roles of the reference chapter, a person each."""
    codes = sorted({code for role in SEVEN.values() for code in role.own} - {"*"})
    # Everybody has the floor besides.
    people = [(name, "public") for name in SEVEN]
    return Workload(SEVEN, people, codes, list(product(range(len(people)), codes)))


def large(
    roles: int = 1000, *, people: int = 10_000, questions: int = 2000, each: int = 100
) -> Workload:
    """Return roles in five layers, each inheriting from one of the layer below."""
    chance = Random(SEED)  # noqa: S311 - no secret, and the same each time
    layer = roles // 5
    made = {
        f"role_{number}": RoleOf(
            (f"role_{chance.randrange(layer) + (number // layer - 1) * layer}",)
            if number >= layer
            else (),
            tuple(chance.sample(POOL, each)),
        )
        for number in range(roles)
    }
    names = list(made)
    given = [tuple(chance.sample(names, 2)) for _ in range(people)]
    # Half of the questions are about what is held, else almost all would be refused.
    asked = []
    for _ in range(questions):
        person = chance.randrange(people)
        own = made[chance.choice(given[person])].own
        asked.append((person, chance.choice(chance.choice([POOL, own]))))
    return Workload(made, given, POOL, asked)


def permissions_of(workload: Workload, role: str) -> frozenset[str]:
    """Return all that a role grants, by visiting each ancestor once."""
    seen, pending = set[str](), [role]
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending.extend(workload.roles[name].parents)
    return frozenset(code for name in seen for code in workload.roles[name].own)


def held_by_all(workload: Workload) -> list[frozenset[str]]:
    """Return each person's codes, the wildcard spelt out."""
    of_role = {name: permissions_of(workload, name) for name in workload.roles}
    everything = frozenset(workload.codes)
    held = (
        frozenset[str]().union(*(of_role[name] for name in given))
        for given in workload.people
    )
    return [everything if "*" in codes else codes for codes in held]


def answers(workload: Workload) -> list[bool]:
    """Return what is right for each question."""
    held = held_by_all(workload)
    return [code in held[person] for person, code in workload.questions]
