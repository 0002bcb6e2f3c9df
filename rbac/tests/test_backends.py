"""Django's permission questions."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from guardian.models import UserObjectPermission
from guardian.shortcuts import assign_perm

from rbac.backends import RoleBackend
from rbac.models import Role, RoleGrant
from rbac.tests.factories import give_role


@pytest.mark.django_db
def test_it_answers_for_anonymous_callers():
    backend, nobody = RoleBackend(), AnonymousUser()

    assert backend.has_perm(nobody, "rbac.read_public_faq")
    assert not backend.has_perm(nobody, "rbac.read_own_data")
    assert not backend.has_perm(nobody, "rbac.read_public_faq", Role())


@pytest.mark.django_db
def test_it_takes_codes_with_and_without_the_app(bob):
    assert bob.has_perm("rbac.read_sales")
    assert bob.has_perm("read_sales")
    assert not bob.has_perm("chat.read_sales")


@pytest.mark.django_db
def test_it_lists_permissions_as_django_names_them(bob, admin):
    assert "rbac.read_sales" in bob.get_all_permissions()
    assert "accounts.view_user" in admin.get_all_permissions()
    assert admin.has_module_perms("accounts")
    assert not bob.has_module_perms("accounts")


@pytest.mark.django_db
def test_an_app_is_open_to_whom_holds_any_permission_of_it(bob, admin, charlie):
    apps = {code.partition(".")[0] for code in admin.get_all_permissions()}
    admin.is_active = False

    for person in (bob, charlie, AnonymousUser(), admin):
        held = RoleBackend().get_all_permissions(person)
        assert {app for app in apps if RoleBackend().has_module_perms(person, app)} == {
            code.partition(".")[0] for code in held
        }


@pytest.mark.django_db
def test_it_ignores_groups_and_superusers(charlie):
    charlie.groups.create(name="all").permissions.set(Permission.objects.all())

    assert not charlie.is_superuser
    assert not charlie.has_perm("rbac.read_sales")
    assert charlie.get_group_permissions() == set()


@pytest.mark.django_db
def test_it_grants_on_one_object_what_guardian_holds(bob, charlie, admin):
    mine, other = Role.objects.get(name="finance"), Role.objects.get(name="employee")
    assign_perm("rbac.view_role", bob, mine)

    assert UserObjectPermission.objects.count() == 1
    assert bob.has_perm("rbac.view_role", mine)
    assert not bob.has_perm("rbac.view_role", other)
    assert not bob.has_perm("rbac.view_role")
    assert not charlie.has_perm("rbac.view_role", mine)
    assert admin.has_perm("rbac.view_role", other)
    bob.is_active = False
    assert not bob.has_perm("rbac.view_role", mine)


@pytest.mark.django_db
def test_a_deny_wins_over_the_permission_on_an_object(bob):
    mine = Role.objects.get(name="finance")
    assign_perm("rbac.view_role", bob, mine)
    barred = Role.objects.create(name="barred")
    RoleGrant.objects.create(role=barred, code="view_role", effect="deny")

    give_role(bob, "barred")

    assert not bob.has_perm("rbac.view_role", mine)


@pytest.mark.django_db
def test_a_grant_for_some_rows_covers_no_object_of_unknown_attributes(bob):
    role = Role.objects.create(name="viewer")
    RoleGrant.objects.create(
        role=role, code="view_role", row_filter="resource.region == user.region"
    )
    give_role(bob, "viewer")

    assert bob.has_perm("rbac.view_role")
    assert not bob.has_perm("rbac.view_role", role)
