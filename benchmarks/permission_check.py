"""How much a permission check costs over the lookup that it cannot beat.

Seven roles of the reference chapter, one loaded entry each. The compiled check is
compared with a frozenset lookup of the same permissions, and with the chapter's own
recursive walk. The three take turns in small rounds, so that a busy machine disturbs
them alike; medians and their ratios are printed.

    python -m benchmarks permission_check
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product

from benchmarks.measure import interleaved, report
from rbac.policy import Role, Snapshot, grant

ROUNDS = 400
EMPLOYEE = ["read_public_faq", "read_company_directory", "read_own_data"]
ROLES: dict[str, tuple[list[str], list[str]]] = {
    "public": ([], ["read_public_faq", "read_public_docs"]),
    "employee": ([], EMPLOYEE),
    "sales_rep": (
        ["employee"],
        ["read_sales", "write_sales_notes", "read_own_performance"],
    ),
    "sales_manager": (
        ["sales_rep"],
        ["read_team_sales", "read_team_performance", "approve_discounts"],
    ),
    "hr_specialist": (["employee"], ["read_hr_data", "write_hr_data", "read_pii"]),
    "finance": (
        ["employee"],
        ["read_financial", "read_sales_aggregate", "export_financial_reports"],
    ),
    "admin": ([], ["*"]),
}
CODES = sorted({code for _, own in ROLES.values() for code in own if code != "*"})
Check = Callable[[str, str], bool]


def recursive() -> Check:
    """Return the plainest correct check: walk roles and parents at each question."""

    def permissions(role: str) -> set[str]:
        parents, own = ROLES[role]
        found = set(own)
        for parent in parents:
            found |= permissions(parent)
        return found

    def check(role: str, code: str) -> bool:
        held = permissions(role) | permissions("public")
        return "*" in held or code in held

    return check


def lookup() -> Check:
    """Return the limit: everything is known beforehand, in one set per person."""
    walk = recursive()
    sets = {
        role: frozenset(code for code in CODES if walk(role, code)) for role in ROLES
    }

    def check(role: str, code: str) -> bool:
        return code in sets[role]

    return check


def compiled() -> Check:
    """Return the check of a loaded entry, expiry included."""
    roles = [
        Role(name, tuple(parents), tuple(grant(name, code) for code in own))
        for name, (parents, own) in ROLES.items()
    ]
    snapshot = Snapshot.build(roles, CODES)
    entries = {name: snapshot.entry([name]) for name in ROLES}
    now = time.time

    def check(role: str, code: str) -> bool:
        entry = entries[role]
        return now() < entry.valid_until and entry.quick(code) is True

    return check


def main() -> None:
    """Print what one check costs each contender, beside the lookup."""
    questions = list(product(ROLES, CODES))
    contenders = {
        "frozenset lookup (the limit)": lookup(),
        "compiled entry, expiry included": compiled(),
        "recursive walk of the reference chapter": recursive(),
    }
    expected = [recursive()(*question) for question in questions]
    for name, check in contenders.items():
        if [check(*question) for question in questions] != expected:
            raise SystemExit(f"{name}: wrong answers")
    samples = interleaved(
        {name: _asking(check, questions) for name, check in contenders.items()},
        rounds=ROUNDS,
    )
    each = {
        name: [taken / len(questions) for taken in rounds]
        for name, rounds in samples.items()
    }
    report("Permission check, 7 roles", each, baseline=next(iter(contenders)))


def _asking(check: Check, questions: list[tuple[str, str]]) -> Callable[[], object]:
    def ask() -> None:
        for role, code in questions:
            check(role, code)

    return ask


if __name__ == "__main__":
    main()
