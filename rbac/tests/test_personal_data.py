"""What leaves with a person."""

from __future__ import annotations

import pytest

from chatsec.core.context import Actor, ActorKind
from rbac.models import Assignment, UserStamp
from rbac.personal_data import erase_assignments, export_assignments
from rbac.services import assign_role
from rbac.tests.factories import give_role


@pytest.mark.django_db
def test_it_exports_present_and_past_roles_of_one_person_only(bob, charlie):
    give_role(bob, "finance")

    found = list(export_assignments(bob.id))

    assert [row["role"] for row in found] == ["sales_rep", "finance"]
    assert found[0]["reason"] == "for the test"


@pytest.mark.django_db
def test_it_erases_roles_and_the_name_of_who_gave_them(admin, bob):
    actor = Actor(kind=ActorKind.USER, person=admin, amr=("pwd", "mfa"))
    row = assign_role(actor, user=bob, role="finance", reason="helps out")

    erased = erase_assignments(admin.id)

    assert erased == 1
    row.refresh_from_db()
    assert row.granted_by is None
    assert not Assignment.objects.filter(user=admin).exists()
    assert not UserStamp.objects.filter(user=admin).exists()
    assert not admin.has_perm("rbac.view_audit")
    assert Assignment.objects.filter(user=bob).count() == 2
