"""What an edit of a role changes for the people who hold it, before it is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Literal, NamedTuple

from rbac.policy.compilation import Snapshot
from rbac.policy.roles import Effect, Grant, covers

MAX_SHOWN = 8

Kind = Literal["gains", "loses", "changes"]


class Terms(NamedTuple):
    """How a grant covers a code: when, for which cells, after what."""

    effect: Effect = "allow"
    condition: str = ""
    row_filter: str = ""
    columns: tuple[str, ...] | None = None
    requires_step_up: bool = False


UNLIMITED = frozenset({Terms()})
AllTerms = frozenset[Terms]


@dataclass(frozen=True, slots=True)
class Change:
    """One code that some people gain, lose, or hold on other terms."""

    kind: Kind
    code: str
    before: tuple[Terms, ...]
    after: tuple[Terms, ...]
    count: int
    # The first few of them.
    people: tuple[str, ...]


def heirs_of(snapshot: Snapshot, name: str) -> frozenset[str]:
    """Return the role and every role that inherits from it."""
    children: dict[str, list[str]] = {}
    for role in snapshot.roles.stored.values():
        for parent in role.parents:
            children.setdefault(parent, []).append(role.name)
    found, pending = {name}, [name]
    while pending:
        for child in children.get(pending.pop(), ()):
            if child not in found:
                found.add(child)
                pending.append(child)
    return frozenset(found)


def changes_of(
    before: Snapshot,
    after: Snapshot,
    *,
    role: str,
    holders: Mapping[frozenset[str], list[str]],
) -> tuple[Change, ...]:
    """Return what people with these sets of roles gain, lose, or hold otherwise."""
    touched = _touched(before, after, role)
    old, new = _reader(before), _reader(after)
    found: dict[tuple[Kind, str, AllTerms, AllTerms], list[list[str]]] = {}
    for roles, people in holders.items():
        had, has = before.entry(roles), after.entry(roles)
        could, can = had.sure | had.depends, has.sure | has.depends
        for code, bit in touched.items():
            if not (could | can) & bit:
                continue
            was, now = old(had.roles, code), new(has.roles, code)
            if kind := _kind(was if could & bit else None, now if can & bit else None):
                found.setdefault((kind, code, was, now), []).append(people)
    made = [_change(*key, people) for key, people in found.items()]
    order: tuple[Kind, ...] = ("gains", "loses", "changes")
    return tuple(sorted(made, key=lambda c: (order.index(c.kind), c.code, -c.count)))


def _kind(was: AllTerms | None, now: AllTerms | None) -> Kind | None:
    if was is None:
        return "gains"
    if now is None:
        return "loses"
    return None if was == now else "changes"


def _change(
    kind: Kind, code: str, was: AllTerms, now: AllTerms, groups: list[list[str]]
) -> Change:
    names = (name for group in groups for name in group)
    return Change(
        kind=kind,
        code=code,
        before=tuple(sorted(was, key=repr)),
        after=tuple(sorted(now, key=repr)),
        count=sum(map(len, groups)),
        people=tuple(islice(names, MAX_SHOWN)),
    )


def _touched(before: Snapshot, after: Snapshot, role: str) -> dict[str, int]:
    """Return the codes, with their bits, of which the role's grants differ."""
    old, new = _grants(before, role), _grants(after, role)
    codes = {code for code, _ in old ^ new}
    return {
        code: bit
        for code, bit in after.bits.items()
        if any(covers(granted, code) for granted in codes)
    }


def _grants(snapshot: Snapshot, role: str) -> set[tuple[str, Terms]]:
    if role not in snapshot.roles:
        return set()
    held = snapshot.roles[role].held
    return {(item.grant.code, _terms(item.grant)) for item in held}


def _reader(snapshot: Snapshot) -> Callable[[Iterable[str], str], AllTerms]:
    """Return what tells on which terms roles together cover a code."""

    @cache
    def of_role(name: str, code: str) -> AllTerms:
        return frozenset(_terms(i.grant) for i in snapshot.roles[name].covering(code))

    def of_roles(names: Iterable[str], code: str) -> AllTerms:
        found = frozenset[Terms]().union(*(of_role(name, code) for name in names))
        # Beside a grant without limits the limited ones add nothing.
        is_free = Terms() in found and all(t.effect == "allow" for t in found)
        return UNLIMITED if is_free else found

    return of_roles


def _terms(grant: Grant) -> Terms:
    return Terms(
        effect=grant.effect,
        condition=grant.condition.text if grant.condition else "",
        row_filter=grant.row_filter.text if grant.row_filter else "",
        columns=None if grant.columns is None else tuple(sorted(grant.columns)),
        requires_step_up=grant.requires_step_up,
    )
