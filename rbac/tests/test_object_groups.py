"""Groups of roles carry permissions on objects, and no people."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from accounts.tests.factories import make_user
from rbac.models import Role, RoleGroup
from rbac.object_tables import group_table, user_table
from rbac.tests.factories import give_role
from rbac.tests.shelves import CHANGE, READ, administrator, give, seen_by

pytestmark = pytest.mark.django_db


def test_nobody_is_put_into_a_roles_group(bob, shelf):
    role = Role.objects.get(name="finance")
    give(shelf, role)
    group = RoleGroup.objects.get(role=role).group

    assert group.name == "role:finance"
    assert not group.user_set.exists()
    with pytest.raises(IntegrityError, match="assignments"), transaction.atomic():
        bob.groups.add(group)
    with pytest.raises(IntegrityError, match="assignments"), transaction.atomic():
        group.user_set.set([bob])


def test_a_role_takes_no_group_that_people_are_in(bob):
    peopled = Group.objects.create(name="peopled")
    bob.groups.add(peopled)

    with pytest.raises(IntegrityError, match="people are in"), transaction.atomic():
        RoleGroup.objects.create(
            role=Role.objects.get(name="hr_specialist"), group=peopled
        )


def test_assigning_roles_puts_nobody_into_groups(bob, shelf):
    give(shelf, Role.objects.get(name="finance"))

    give_role(bob, "finance")

    assert not bob.groups.exists()
    assert bob.has_perm(READ, shelf)


def test_a_role_of_the_same_name_inherits_nothing(bob, shelf):
    role = Role.objects.create(name="brief")
    give(shelf, role)
    role.delete()  # past the services: the group stays behind

    again = Role.objects.create(name="brief")
    give_role(bob, "brief")
    give(shelf, again, CHANGE)

    assert seen_by(bob) == set()
    assert seen_by(bob, CHANGE) == {shelf}


def test_a_deleted_role_takes_its_group_along(admin, shelf):
    from rbac.services.roles import delete_role

    role = Role.objects.create(name="brief")
    give(shelf, role)

    delete_role(administrator(admin), role=role)

    assert not Group.objects.filter(name="role:brief").exists()
    assert not group_table(type(shelf))._default_manager.exists()


def test_a_deleted_object_or_person_leaves_no_rows(charlie, shelf):
    gone = make_user("gone")
    give(shelf, charlie)
    give(shelf, gone)
    give(shelf, Role.objects.get(name="finance"))
    gone.delete()
    assert user_table(type(shelf))._default_manager.count() == 1

    shelf.delete()

    assert not user_table(type(shelf))._default_manager.exists()
    assert not group_table(type(shelf))._default_manager.exists()
