"""Permissions on single objects: who has them, what they cost, how they are given."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, connections, transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts.selectors import actor_for_session
from accounts.tests.factories import make_session, make_user
from auditlog.selectors import list_events, read_events
from chatsec.core.context import ANONYMOUS, SYSTEM, Channel
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound, StepUpRequired
from rbac import selectors
from rbac.models import Role, RoleGrant, RoleGroup, RoleParent
from rbac.object_tables import group_table, user_table
from rbac.services import (
    as_actor,
    grant_object,
    objects_for,
    objects_for_all,
    objects_for_any,
    objects_given,
    prefetch_object_permissions,
    revoke_object,
)
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db
READ, CHANGE = "chat.view_knowledgecollection", "chat.change_knowledgecollection"
RUN = "chat.run_querydefinition"


def collection_model():
    from django.apps import apps

    return apps.get_model("chat", "KnowledgeCollection")


@pytest.fixture
def collections():
    """Return three collections besides those of the migration."""
    model = collection_model()
    return [model.objects.create(name=f"Shelf {number}") for number in range(3)]


@pytest.fixture
def shelf(collections):
    return collections[0]


def give(obj, to, permission=READ):
    grant_object(SYSTEM, obj=obj, permission=permission, to=to, reason="for the test")


def take(obj, to, permission=READ):
    revoke_object(SYSTEM, obj=obj, permission=permission, to=to, reason="for the test")


def seen_by(subject, permission=READ):
    model = collection_model()
    return set(objects_for(subject, permission, model.objects.order_by()))


def administrator(admin):
    session = make_session(admin, stepped_up=True)
    return actor_for_session(session, Channel.API)


def a_role(name, code=READ, **grant):
    role = Role.objects.create(name=name)
    RoleGrant.objects.create(role=role, code=code, **grant)
    return role


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


def test_giving_and_taking_leave_evidence_with_before_and_after(admin, bob, shelf):
    actor = administrator(admin)
    for change in (grant_object, revoke_object):
        change(actor, obj=shelf, permission=READ, to=bob, reason="cover for erin")

    (given,) = list_events(event_type="rbac.object_permission_granted")
    (taken,) = list_events(event_type="rbac.object_permission_revoked")
    before, after = [], ["view_knowledgecollection"]
    for event, told in zip(
        (given, taken), [(before, after), (after, before)], strict=True
    ):
        (read,) = read_events([event])
        assert (read.details["before"], read.details["after"]) == told
        assert read.details["permission"] == READ
        assert read.subject_details == {"username": "bob", "reason": "cover for erin"}
        assert (event.resource_type, event.resource_id) == (
            "chat.knowledgecollection",
            str(shelf.pk),
        )


def test_it_is_given_once_and_taken_once(bob, shelf):
    give(shelf, bob)
    with pytest.raises(Conflict):
        give(shelf, bob)
    take(shelf, bob)
    with pytest.raises(NotFound):
        take(shelf, bob)


@pytest.mark.parametrize(
    ("permission", "error"),
    [
        ("chat.no_such_thing", Invalid),
        ("rbac.view_role", Invalid),
        (RUN, Invalid),
        ("x\0", Invalid),
    ],
)
def test_it_refuses_permissions_that_do_not_fit(bob, shelf, permission, error):
    with pytest.raises(error):
        give(shelf, bob, permission)


def test_objects_without_tables_of_their_own_are_refused(bob):
    with pytest.raises(Invalid):
        give(Role.objects.get(name="finance"), bob, "rbac.view_role")


def test_an_object_that_is_gone_is_not_found(bob, shelf):
    type(shelf).objects.filter(pk=shelf.pk).delete()

    with pytest.raises(NotFound):
        give(shelf, bob)


def test_only_administrators_give_and_with_a_second_factor(bob, charlie, admin, shelf):
    for person, error in ((bob, Denied), (charlie, Denied), (admin, StepUpRequired)):
        with pytest.raises(error):
            grant_object(
                as_actor(person), obj=shelf, permission=READ, to=bob, reason="x"
            )
    with pytest.raises(Denied):
        grant_object(ANONYMOUS, obj=shelf, permission=READ, to=bob, reason="x")
    with pytest.raises(Invalid):
        grant_object(
            administrator(admin), obj=shelf, permission=READ, to=bob, reason=" "
        )

    assert seen_by(bob) == set()


@pytest.fixture
def deputy(db):
    """Return somebody who may manage roles and hardly anything else."""
    person = make_user("deputy", totp=True, is_staff=True)
    a_role("deputy", code="manage_roles")
    give_role(person, "deputy")
    return person


def test_nobody_gives_what_he_does_not_hold(deputy, bob, shelf):
    actor = administrator(deputy)
    with pytest.raises(Denied) as refused:
        grant_object(actor, obj=shelf, permission=READ, to=bob, reason="x")
    assert refused.value.code == "exceeds_own_permissions"

    # On this object he holds it: that he may pass on, and only that.
    give(shelf, deputy)
    grant_object(actor, obj=shelf, permission=READ, to=bob, reason="x")
    with pytest.raises(Denied):
        grant_object(actor, obj=shelf, permission=CHANGE, to=bob, reason="x")

    assert seen_by(bob) == {shelf}


def test_nobody_opens_articles_that_are_closed_to_himself(deputy, bob, shelf):
    from django.apps import apps

    apps.get_model("chat", "Article").objects.create(
        collection=shelf, slug="pay", title="Pay", body="x", permission="read_hr_data"
    )
    give(shelf, deputy)

    with pytest.raises(Denied) as refused:
        grant_object(
            administrator(deputy), obj=shelf, permission=READ, to=bob, reason="x"
        )

    assert refused.value.extra["required"] == "read_hr_data"


def test_nobody_gives_himself_a_query_past_its_permission(deputy):
    from django.apps import apps

    query = apps.get_model("chat", "QueryDefinition").objects.create(
        key="pay", permission="read_employee_salary"
    )
    a_role("runner", code=RUN)
    give_role(deputy, "runner")

    with pytest.raises(Denied):
        grant_object(
            administrator(deputy), obj=query, permission=RUN, to=deputy, reason="x"
        )


def test_what_he_holds_until_friday_he_does_not_give_for_good(deputy, bob, shelf):
    a_role("reader")
    give_role(deputy, "reader", valid_until=timezone.now() + timedelta(days=3))

    with pytest.raises(Denied):
        grant_object(
            administrator(deputy), obj=shelf, permission=READ, to=bob, reason="x"
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("holder", ["person", "role"])
def test_eight_at_once_give_it_once(holder):
    shelf = collection_model().objects.create(name="Raced")
    to = make_user("raced") if holder == "person" else Role.objects.get(name="finance")
    outcomes = []
    start = threading.Barrier(8)

    def run():
        try:
            start.wait()
            give(shelf, to)
            outcomes.append("given")
        except Conflict as refusal:
            outcomes.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(outcomes) == ["already_granted"] * 7 + ["given"]
    table = user_table if holder == "person" else group_table
    assert table(type(shelf))._default_manager.count() == 1
    assert len(list_events(event_type="rbac.object_permission_granted")) == 1


def test_permission_rows_name_permissions_of_their_kind_only(bob, shelf):
    from django.core.exceptions import ValidationError

    other = Permission.objects.get(codename="view_role")

    with pytest.raises(ValidationError):
        user_table(type(shelf))._default_manager.create(
            user=bob, permission=other, content_object=shelf
        )
