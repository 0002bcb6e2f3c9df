"""Permissions on single objects: who has them, and what they cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from guardian.shortcuts import assign_perm

from chatsec.core.context import ANONYMOUS
from rbac import selectors
from rbac.models import Role, RoleParent
from rbac.services import (
    as_actor,
    objects_for,
    objects_for_all,
    objects_for_any,
    objects_given,
    prefetch_object_permissions,
)
from rbac.tests.factories import give_role
from rbac.tests.shelves import (
    CHANGE,
    READ,
    a_role,
    collection_model,
    give,
    seen_by,
    take,
)

pytestmark = pytest.mark.django_db


def by_person(person, shelf):
    give(shelf, person)


def by_role(person, shelf):
    give(shelf, Role.objects.get(name="sales_rep"))


def by_parent_of_role(person, shelf):
    parent = Role.objects.create(name="readers")
    RoleParent.objects.create(role=Role.objects.get(name="sales_rep"), parent=parent)
    give(shelf, parent)


def by_everybodys_role(person, shelf):
    give(shelf, Role.objects.get(name="public"))


def by_later_role(person, shelf):
    role = Role.objects.create(name="later")
    give_role(person, "later", valid_from=timezone.now() + timedelta(days=1))
    give(shelf, role)


def by_expired_role(person, shelf):
    role = Role.objects.create(name="past")
    now = timezone.now()
    assignment = give_role(person, "past", valid_until=now + timedelta(days=1))
    type(assignment).objects.filter(pk=assignment.pk).update(
        valid_from=now - timedelta(days=2), valid_until=now - timedelta(days=1)
    )
    give(shelf, role)


def by_revoked_role(person, shelf):
    role = Role.objects.create(name="gone")
    assignment = give_role(person, "gone")
    type(assignment).objects.filter(pk=assignment.pk).update(revoked_at=timezone.now())
    give(shelf, role)


def by_role_of_others(person, shelf):
    give(shelf, Role.objects.get(name="finance"))


def by_group_alone(person, shelf):
    group = Group.objects.create(name="readers")
    person.groups.add(group)
    assign_perm("view_knowledgecollection", group, shelf)


def but_inactive(person, shelf):
    give(shelf, person)
    person.is_active = False


def but_denied(person, shelf):
    give(shelf, person)
    a_role("barred", effect="deny")
    give_role(person, "barred")


def but_denied_by_pattern(person, shelf):
    give(shelf, person)
    a_role("barred", code="chat.*", effect="deny")
    give_role(person, "barred")


def but_denied_for_some_rows(person, shelf):
    give(shelf, person)
    a_role("barred", effect="deny", row_filter="resource.name == 'x'")
    give_role(person, "barred")


def but_taken_back(person, shelf):
    give(shelf, person)
    take(shelf, person)


def for_another_permission(person, shelf):
    give(shelf, person, CHANGE)


@pytest.mark.parametrize(
    ("arranged", "is_seen"),
    [
        (by_person, True),
        (by_role, True),
        (by_parent_of_role, True),
        (by_everybodys_role, True),
        (by_later_role, False),
        (by_expired_role, False),
        (by_revoked_role, False),
        (by_role_of_others, False),
        (by_group_alone, False),
        (but_inactive, False),
        (but_denied, False),
        (but_denied_by_pattern, False),
        (but_denied_for_some_rows, False),
        (but_taken_back, False),
        (for_another_permission, False),
    ],
)
def test_lists_pages_and_single_questions_agree(
    arranged, is_seen, bob, charlie, collections
):
    shelf = collections[0]
    arranged(bob, shelf)

    assert seen_by(bob) == ({shelf} if is_seen else set())
    assert seen_by(as_actor(bob)) == seen_by(bob)
    assert bob.has_perm(READ, shelf) is is_seen
    prefetch_object_permissions(bob, collections)
    assert [bob.has_perm(READ, one) for one in collections] == [is_seen, False, False]
    # On one object is not in general, and nobody else gains by it.
    assert not bob.has_perm(READ)
    if arranged is not by_everybodys_role:
        assert seen_by(charlie) == set()
        assert not charlie.has_perm(READ, shelf)


def test_a_permission_in_general_is_one_for_all(bob, admin, shelf):
    a_role("reader")
    give_role(bob, "reader")
    everything = set(collection_model().objects.all())

    assert seen_by(bob) == seen_by(admin) == everything
    assert set(objects_given(bob, READ, collection_model().objects.all())) == set()
    admin.is_active = False
    assert seen_by(admin) == set()


def test_a_permission_under_a_condition_is_none_for_all(bob, shelf):
    a_role("sometimes", condition="context.hour > 99")
    a_role("some_rows", row_filter="resource.region == user.region")
    give_role(bob, "sometimes")
    give_role(bob, "some_rows")

    assert seen_by(bob) == set()
    give(shelf, bob)
    assert seen_by(bob) == {shelf}


def test_the_public_sees_what_is_opened_to_everybody(shelf, collections):
    give(shelf, Role.objects.get(name="public"))

    assert seen_by(ANONYMOUS) == seen_by(None) == {shelf}


def test_a_permission_of_another_app_is_none_here(bob, shelf):
    give(shelf, bob)

    assert seen_by(bob, "rbac.view_knowledgecollection") == set()
    assert not bob.has_perm("accounts.view_knowledgecollection", shelf)


def test_all_means_every_one_and_any_means_one(bob, collections):
    # GHSA-5729-mvhf-9gq4: an object with one of two required permissions came back.
    both, one, none = collections
    for permission in (READ, CHANGE):
        give(both, bob, permission)
    give(one, bob, READ)
    give(none, Role.objects.get(name="finance"), CHANGE)
    # From two sources, and one of them in general.
    a_role("deleter", code="chat.delete_knowledgecollection")
    give_role(bob, "deleter")
    rows = collection_model().objects.order_by()
    delete = "chat.delete_knowledgecollection"

    assert set(objects_for_all(bob, [READ, CHANGE], rows)) == {both}
    assert set(objects_for_any(bob, [READ, CHANGE], rows)) == {both, one}
    assert set(objects_for_all(bob, [READ, CHANGE, delete], rows)) == {both}
    assert set(objects_for_any(bob, [CHANGE, delete], rows)) == set(rows)
    assert set(objects_for_all(bob, [READ, "chat.unknown"], rows)) == set()
    assert set(objects_for_all(bob, [], rows)) == set()
    assert set(objects_for_any(bob, [], rows)) == set()


def test_a_denied_permission_is_held_with_no_other(bob, shelf):
    for permission in (READ, CHANGE):
        give(shelf, bob, permission)
    a_role("barred", code=CHANGE, effect="deny")
    give_role(bob, "barred")
    rows = collection_model().objects.order_by()

    assert set(objects_for_all(bob, [READ, CHANGE], rows)) == set()
    assert set(objects_for_any(bob, [READ, CHANGE], rows)) == {shelf}


def test_a_page_of_a_hundred_costs_two_statements(bob, django_assert_max_num_queries):
    model = collection_model()
    rows = [model.objects.create(name=f"Row {number}") for number in range(100)]
    for row in rows[:30]:
        give(row, bob)
    give(rows[40], Role.objects.get(name="employee"))
    bob = type(bob).objects.get(pk=bob.pk)
    bob.has_perm(READ, rows[0])

    selectors.hold_stamp(bob)
    with django_assert_max_num_queries(2):
        prefetch_object_permissions(bob, rows)
        found = [row for row in rows if bob.has_perm(READ, row)]
    with django_assert_max_num_queries(2):
        listed = list(objects_for(bob, READ, model.objects.order_by("name")))

    assert found == [*rows[:30], rows[40]]
    assert set(listed) == set(found)


def test_what_was_read_is_void_once_roles_change(bob, shelf):
    give(shelf, Role.objects.get(name="sales_rep"))
    prefetch_object_permissions(bob, [shelf])
    assert bob.has_perm(READ, shelf)

    bob.role_assignments.update(revoked_at=timezone.now())

    assert not bob.has_perm(READ, shelf)
