"""What an edit of a role changes, over sets of roles that people hold."""

from __future__ import annotations

import pytest

from rbac.policy import Role, Snapshot, grant
from rbac.policy.effects import changes_of, heirs_of

CODES = ["read_a", "read_b", "read_c", "write_a"]


def role(name, *grants, parents=()):
    return Role(
        name, tuple(parents), tuple(grant(name, *g[:1], **g[1]) for g in grants)
    )


def plain(code, **terms):
    return (code, terms)


def changed(before, after, holders, *, others=()):
    old = Snapshot.build([before, *others], CODES)
    new = old.edited([after])
    held = {frozenset(roles.split()): people for roles, people in holders.items()}
    return [
        (c.kind, c.code, c.count)
        for c in changes_of(old, new, role=after.name, holders=held)
    ]


PEOPLE = {"x": ["ann", "ben"]}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [plain("read_a")], [("gains", "read_a", 2)]),
        ([plain("read_a")], [], [("loses", "read_a", 2)]),
        ([plain("read_a")], [plain("read_a")], []),
        (
            [plain("read_*")],
            [plain("read_a")],
            [("loses", "read_b", 2), ("loses", "read_c", 2)],
        ),
        (
            [plain("read_a")],
            [plain("read_a", condition="context.hour > 8")],
            [("changes", "read_a", 2)],
        ),
        (
            [plain("read_a")],
            [plain("read_a"), plain("read_a", row_filter="resource.x == 1")],
            [],
        ),
        (
            [plain("read_a", columns=["x"])],
            [plain("read_a", columns=["x", "y"])],
            [("changes", "read_a", 2)],
        ),
        (
            [plain("read_a")],
            [plain("read_a"), plain("read_a", effect="deny")],
            [("loses", "read_a", 2)],
        ),
        (
            [plain("read_a")],
            [plain("read_a"), plain("read_a", effect="deny", columns=["x"])],
            [("changes", "read_a", 2)],
        ),
        (
            [plain("read_a")],
            [plain("read_a", requires_step_up=True)],
            [("changes", "read_a", 2)],
        ),
    ],
)
def test_it_tells_gains_losses_and_other_terms(before, after, expected):
    found = changed(role("x", *before), role("x", *after), PEOPLE)

    assert found == expected


def test_what_another_role_gives_is_neither_gained_nor_lost():
    other = role("y", plain("read_a"))
    edited = role("x", plain("read_b"))

    found = changed(
        role("x", plain("read_a")),
        edited,
        {"x": ["ann"], "x y": ["ben", "cem"]},
        others=[other],
    )

    assert found == [("gains", "read_b", 3), ("loses", "read_a", 1)]


def test_heirs_feel_the_edit_of_what_they_inherit():
    heir = role("y", parents=["x"])
    old = Snapshot.build([role("x", plain("read_a")), heir], CODES)

    found = changed(
        role("x", plain("read_a")), role("x"), {"y": ["ann"]}, others=[heir]
    )

    assert found == [("loses", "read_a", 1)]
    assert heirs_of(old, "x") == {"x", "y"}


def test_a_new_parent_brings_what_it_grants():
    base = role("base", plain("write_a"))

    found = changed(role("x"), role("x", parents=["base"]), PEOPLE, others=[base])

    assert found == [("gains", "write_a", 2)]


def test_a_new_role_changes_nobody_and_says_what_it_would_give():
    old = Snapshot.build([], CODES)
    new = old.edited([role("x", plain("read_a"))])

    nobody = changes_of(old, new, role="x", holders={})
    alone = changes_of(old, new, role="x", holders={frozenset({"x"}): [""]})

    assert nobody == ()
    assert [(change.kind, change.code) for change in alone] == [("gains", "read_a")]


def test_it_names_the_first_few_and_counts_all():
    people = [f"p{number}" for number in range(100)]
    old = Snapshot.build([role("x")], CODES)
    new = old.edited([role("x", plain("read_a"))])

    (change,) = changes_of(old, new, role="x", holders={frozenset({"x"}): people})

    assert change.count == 100
    assert change.people == tuple(people[:8])
