"""Which roles somebody has, and who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chatsec.core.context import SYSTEM
from rbac.services import as_actor, revoke_assignment
from rbac.services.holding import held_roles
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_it_names_what_counts_today(admin: Any, alice: Any) -> None:
    now = timezone.now()
    give_role(alice, "finance", valid_from=now + DAY)
    ended = give_role(alice, "hr_specialist")
    revoke_assignment(SYSTEM, assignment=ended, reason="for the test")

    assert held_roles(as_actor(admin), alice.id) == [("sales_manager", "Sales Manager")]


def test_only_who_may_see_roles_is_told(
    alice: Any, bob: Any, charlie: Any, auditor: Any
) -> None:
    for viewer in (alice, bob, charlie, auditor):
        assert held_roles(as_actor(viewer), alice.id) is None


@pytest.mark.parametrize("code", ["view_matrix", "manage_roles"])
def test_either_permission_is_enough(
    erin: Any, charlie: Any, allow: Any, code: str
) -> None:
    allow(erin, code)

    assert held_roles(as_actor(erin), charlie.id) == [("employee", "Employee")]
