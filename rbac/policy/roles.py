"""Roles as plain values, and what a code or pattern covers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rbac.policy.conditions import Condition, load_condition

Effect = Literal["allow", "deny"]

EVERYTHING = "*"
# "read_sales", "accounts.view_user", "read_*", "accounts.*", "*"
PATTERN = re.compile(r"(?:\*|[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*|\.)?\*?)", re.ASCII)


def is_pattern(code: str) -> bool:
    """Whether the code stands for all codes that begin so."""
    return code.endswith("*")


def is_code_or_pattern(text: str) -> bool:
    """Whether the text has the form of a permission code or pattern."""
    return PATTERN.fullmatch(text) is not None and not text.endswith(".")


def bare_code(code: str) -> str:
    """Return the code without the `rbac.` that Django's own form has."""
    return code.removeprefix("rbac.")


def full_code(code: str) -> str:
    """Return the code in Django's own form, with its app."""
    return code if "." in code else f"rbac.{code}"


def covers(granted: str, code: str) -> bool:
    """Whether a granted code or pattern stands for `code`, known or new."""
    if is_pattern(granted):
        return code.startswith(granted[:-1])
    return granted == code


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of a role: what it allows or denies, when, and for which cells."""

    role: str
    code: str
    effect: Effect = "allow"
    condition: Condition | None = None
    row_filter: Condition | None = None
    columns: frozenset[str] | None = None
    requires_step_up: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the answer without a resource never depends on anything."""
        if self.effect == "allow":
            return self.condition is None and not self.requires_step_up
        return self.condition is None and self.row_filter is None

    @property
    def asks_whole(self) -> bool:
        """Whether it speaks of the permission, not of some columns only."""
        return self.effect == "allow" or self.columns is None


def grant(  # noqa: PLR0913 - the columns of one stored row
    role: str,
    code: str,
    *,
    effect: Effect = "allow",
    condition: str = "",
    row_filter: str = "",
    columns: Iterable[str] | None = None,
    requires_step_up: bool = False,
) -> Grant:
    """Return the grant with its texts compiled; unreadable ones fail closed."""
    return Grant(
        role=role,
        code=bare_code(code),
        effect=effect,
        condition=load_condition(condition),
        row_filter=load_condition(row_filter),
        columns=None if columns is None else frozenset(columns),
        requires_step_up=requires_step_up,
    )


@dataclass(frozen=True, slots=True)
class Role:
    """A role with its own grants and the names of those it inherits from."""

    name: str
    parents: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    requires_factor: bool = False
