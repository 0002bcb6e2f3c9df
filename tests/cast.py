"""Who is who in the tests: alice owns, bob is a colleague, charlie is a stranger."""

from __future__ import annotations

from typing import Any, Final

from accounts.models import User
from accounts.tests.factories import make_user
from rbac.tests.factories import give_role

# Names, roles, and what else `make_user` takes.
CAST: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "alice": (
        "sales_manager",
        {
            "department": "Sales",
            "region": "north",
            "team": "north-1",
            "approval_limit": 1000,
        },
    ),
    "bob": ("sales_rep", {"department": "Sales", "region": "north", "team": "north-1"}),
    "carol": ("hr_specialist", {"department": "Human Resources", "totp": True}),
    "dan": ("finance", {"department": "Finance", "totp": True}),
    "erin": ("employee", {"department": "Support"}),
    "charlie": ("employee", {"department": "Legal", "region": "west"}),
    "admin": ("admin", {"is_staff": True, "totp": True}),
}


def make_person(username: str) -> User:
    """Return the person of that name, with his role, made by the services."""
    role, attributes = CAST[username]
    user = make_user(username, **attributes)
    give_role(user, role)
    return user
