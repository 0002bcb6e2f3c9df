"""Roles for the cast of the tests, given by the service itself."""

from __future__ import annotations

from typing import Any

from chatsec.core.context import SYSTEM
from rbac.models import Assignment
from rbac.services import assign_role


def give_role(user: Any, role: str, **period: Any) -> Assignment:
    """Assign the role as the system does when it seeds."""
    return assign_role(SYSTEM, user=user, role=role, reason="for the test", **period)
