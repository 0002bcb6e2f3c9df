"""Roles that are given only to whoever signs in with a second factor."""

from __future__ import annotations

from chatsec.core.context import Person
from rbac.selectors import entry_for


def requires_factor(person: Person) -> bool:
    """Whether a role that the person has now, or one it inherits, asks for one."""
    return entry_for(person).requires_factor
