"""More of the cast, its shelves, and the policy as a document."""

from __future__ import annotations

import pytest

from accounts.tests.factories import make_user
from chatsec.core.context import SYSTEM
from rbac.services.break_glass import make_eligible
from rbac.services.portability import current_document
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role
from rbac.tests.shelves import collection_model


@pytest.fixture
def collections(db):
    """Return three collections besides those of the migration."""
    model = collection_model()
    return [model.objects.create(name=f"Shelf {number}") for number in range(3)]


@pytest.fixture
def shelf(collections):
    """Return one of them."""
    return collections[0]


@pytest.fixture
def staff(db):
    """Return staff with a second factor and no administrative role."""
    user = make_user("staff", is_staff=True, totp=True)
    give_role(user, "employee")
    return user


@pytest.fixture
def rescuer(dan):
    """Return dan, who may break the glass for a role of rescuers."""
    make_role("rescue", "read_pii", is_break_glass=True)
    make_eligible(SYSTEM, user=dan, role="rescue", reason="on call")
    return dan


@pytest.fixture
def document(db):
    """Return the policy as it stands, as a document."""
    return current_document()
