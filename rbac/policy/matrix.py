"""The permission matrix: what each role comes to, code by code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rbac.policy.compilation import AGGREGATE_SUFFIX, CompiledRole, Snapshot
from rbac.policy.decisions import Held
from rbac.policy.roles import covers

State = Literal["granted", "inherited", "aggregate", "denied", "none"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One role and one code."""

    role: str
    state: State = "none"
    # The role whose grant it is, and the code or pattern that it grants.
    source: str = ""
    grant: str = ""
    condition: str = ""
    row_filter: str = ""
    requires_step_up: bool = False

    @property
    def is_conditional(self) -> bool:
        """Whether it holds at some times or for some rows only."""
        return bool(self.condition or self.row_filter or self.requires_step_up)


@dataclass(frozen=True, slots=True)
class Row:
    """One code over all roles."""

    code: str
    cells: tuple[Cell, ...]


def matrix_of(
    snapshot: Snapshot, *, roles: Iterable[str], codes: Iterable[str]
) -> tuple[Row, ...]:
    """Return a row for each code with a cell for each role, in the given orders."""
    compiled = [snapshot.roles[name] for name in roles if name in snapshot.roles]
    return tuple(
        Row(code, tuple(_cell(role, code) for role in compiled)) for code in codes
    )


def _cell(role: CompiledRole, code: str) -> Cell:
    covering = [item for item in role.held if covers(item.grant.code, code)]
    denied = [item for item in covering if item.grant.effect == "deny"]
    if denied:
        return _from(role.name, "denied", denied[0])
    allowed = sorted(covering, key=_weight)
    if allowed:
        is_own = len(allowed[0].path) == 1
        return _from(role.name, "granted" if is_own else "inherited", allowed[0])
    aggregate = [i for i in role.held if covers(i.grant.code, code + AGGREGATE_SUFFIX)]
    if aggregate:
        return _from(role.name, "aggregate", aggregate[0])
    return Cell(role.name)


def _weight(item: Held) -> tuple[bool, bool, int]:
    """Order the widest grant first, then the nearest."""
    grant = item.grant
    return (not grant.is_plain, grant.row_filter is not None, len(item.path))


def _from(role: str, state: State, item: Held) -> Cell:
    grant = item.grant
    return Cell(
        role=role,
        state=state,
        source=grant.role,
        grant=grant.code,
        condition=grant.condition.text if grant.condition else "",
        row_filter=grant.row_filter.text if grant.row_filter else "",
        requires_step_up=grant.requires_step_up,
    )
