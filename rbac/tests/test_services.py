"""Writing policy: who may, what is kept, and what two writers at once come to."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.services.people import close_account
from accounts.tests.factories import make_user
from auditlog.selectors import list_events, read_events
from chatsec.core.context import SYSTEM, Actor, ActorKind
from chatsec.core.errors import Conflict, Denied, Invalid, StepUpRequired
from rbac import selectors
from rbac.models import Assignment, Role, RoleParent
from rbac.services import assign_role, check_permission, revoke_assignment
from rbac.services.roles import (
    GrantDefinition,
    RoleDefinition,
    create_role,
    definition_of,
    delete_role,
    update_role,
)
from rbac.tests.factories import give_role
from rbac.tests.governing import after_commit_of, race


def actor(user, *amr):
    return Actor(kind=ActorKind.USER, person=user, amr=amr or ("pwd", "otp", "mfa"))


def define(name, *codes, inherits=()):
    grants = tuple(GrantDefinition(permission=code) for code in codes)
    return RoleDefinition(name=name, inherits=tuple(inherits), grants=grants)


@pytest.mark.django_db
def test_it_refuses_writers_without_the_permission(alice, bob):
    row = bob.role_assignments.get()
    role = Role.objects.get(name="employee")

    for write in [
        lambda: assign_role(actor(alice), user=bob, role="finance", reason="why"),
        lambda: revoke_assignment(actor(alice), assignment=row, reason="why"),
        lambda: create_role(actor(alice), definition=define("new")),
        lambda: update_role(actor(alice), role=role, definition=define("employee")),
        lambda: delete_role(actor(alice), role=role),
    ]:
        with pytest.raises(Denied):
            write()


@pytest.mark.django_db
def test_it_refuses_administrators_without_a_second_factor(admin, bob):
    with pytest.raises(StepUpRequired):
        assign_role(actor(admin, "pwd"), user=bob, role="finance", reason="why")

    assert not bob.role_assignments.filter(role__name="finance").exists()


@pytest.mark.django_db
def test_it_leaves_evidence_of_what_changed(admin, bob):
    row = assign_role(actor(admin), user=bob, role="finance", reason="helps out")
    revoke_assignment(actor(admin), assignment=row, reason="is back")

    given, taken = (
        read_events(list_events(event_type=name)[:1])[0]
        for name in ("rbac.role_assigned", "rbac.role_revoked")
    )
    assert given.details["before"] == taken.details["after"] == ["sales_rep"]
    assert given.details["after"] == ["finance", "sales_rep"]
    assert given.subject_details == {
        "username": "bob",
        "reason": "helps out",
        "target_label": "finance",
    }
    assert taken.subject_details["reason"] == "is back"


@pytest.mark.django_db
def test_it_keeps_history_when_a_role_is_taken_away(admin, bob):
    row = bob.role_assignments.get()

    revoke_assignment(actor(admin), assignment=row, reason="left")
    again = assign_role(actor(admin), user=bob, role="sales_rep", reason="returned")

    row.refresh_from_db()
    assert (row.revoked_by, row.revoke_reason) == (admin, "left")
    assert set(bob.role_assignments.all()) == {row, again}


@pytest.mark.django_db
def test_it_refuses_overlapping_assignments_and_takes_adjoining_ones(bob):
    now = timezone.now()
    hours = [now + timedelta(hours=n) for n in range(4)]
    give_role(bob, "finance", valid_from=hours[1], valid_until=hours[2])

    give_role(bob, "finance", valid_from=hours[0], valid_until=hours[1])
    give_role(bob, "finance", valid_from=hours[2], valid_until=hours[3])
    with pytest.raises(Conflict):
        give_role(bob, "finance", valid_from=hours[1] + timedelta(minutes=1))


@pytest.mark.django_db
def test_it_lets_nobody_give_more_than_he_holds(erin, bob):
    create_role(SYSTEM, definition=define("clerk", "manage_roles", "read_hr_data"))
    give_role(erin, "clerk")

    with pytest.raises(Denied) as raised:
        assign_role(actor(erin), user=bob, role="finance", reason="why")
    with pytest.raises(Denied):
        create_role(actor(erin), definition=define("mine", "*"))
    with pytest.raises(Denied):
        create_role(actor(erin), definition=define("mine", inherits=["finance"]))
    with pytest.raises(Denied):
        assign_role(actor(erin), user=erin, role="admin", reason="why")

    assert raised.value.code == "exceeds_own_permissions"
    assert not Role.objects.filter(name="mine").exists()
    assign_role(actor(erin), user=bob, role="employee", reason="why")
    create_role(actor(erin), definition=define("mine", "read_hr_data"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "limit",
    [
        {"condition": "context.hour < 12"},
        {"row_filter": "resource.region == user.region"},
        {"columns": ("name",)},
        {"requires_step_up": True},
    ],
)
def test_it_does_not_count_a_limited_grant_as_held_without_the_limit(erin, limit):
    line = GrantDefinition(permission="read_pii", **limit)
    manage = GrantDefinition(permission="manage_roles")
    create_role(SYSTEM, definition=RoleDefinition("clerk", grants=(line, manage)))
    give_role(erin, "clerk")

    create_role(actor(erin), definition=RoleDefinition("same", grants=(line,)))
    with pytest.raises(Denied):
        create_role(actor(erin), definition=define("wider", "read_pii"))


@pytest.mark.django_db
def test_it_keeps_the_last_administrator(admin):
    row = admin.role_assignments.get()
    second = make_user("second")
    give_role(second, "admin", valid_until=timezone.now() + timedelta(days=1))
    third = make_user("third", is_active=False)
    give_role(third, "admin")

    with pytest.raises(Conflict) as raised:
        revoke_assignment(actor(admin), assignment=row, reason="leaves")
    give_role(make_user("fourth"), "admin")
    revoke_assignment(actor(admin), assignment=row, reason="leaves")

    assert raised.value.code == "last_administrator"
    assert not check_permission(admin, "manage_roles")


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_one_cannot_be_removed():
    rows = [give_role(make_user(name), "admin") for name in ("one", "two")]

    def revoke(row):
        return revoke_assignment(SYSTEM, assignment=row, reason="out")

    second = after_commit_of(lambda: revoke(rows[0]), lambda: revoke(rows[1]))

    assert isinstance(second, Conflict)
    assert second.code == "last_administrator"
    assert Assignment.objects.filter(role__name="admin", revoked_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_administrator_removed_meanwhile_removes_nobody():
    rows = [give_role(make_user(name), "admin") for name in ("one", "two", "three")]

    second = after_commit_of(
        lambda: revoke_assignment(SYSTEM, assignment=rows[0], reason="out"),
        lambda: revoke_assignment(
            actor(rows[0].user), assignment=rows[1], reason="revenge"
        ),
    )

    assert isinstance(second, Denied)
    assert Assignment.objects.filter(role__name="admin", revoked_at=None).count() == 2


@pytest.mark.django_db
def test_the_last_administrators_account_is_not_closed(admin, bob):
    with pytest.raises(Conflict) as raised:
        close_account(admin)
    close_account(bob)
    give_role(make_user("second"), "admin")
    admin.refresh_from_db()
    close_account(admin)

    assert raised.value.code == "last_administrator"
    admin.refresh_from_db()
    assert not admin.is_active


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_one_account_stays_open():
    people = [make_user(name) for name in ("one", "two")]
    for person in people:
        give_role(person, "admin")

    second = after_commit_of(
        lambda: close_account(people[0]), lambda: close_account(people[1])
    )

    assert isinstance(second, Conflict)
    people[1].refresh_from_db()
    assert people[1].is_active


@pytest.mark.django_db(transaction=True)
def test_the_same_role_is_given_once_by_many_at_once():
    user = make_user("person")

    waited = after_commit_of(
        lambda: give_role(user, "employee"), lambda: give_role(user, "employee")
    )
    outcomes = race(*[lambda: give_role(user, "finance")] * 6)

    assert isinstance(waited, Conflict)
    assert sum(isinstance(found, Assignment) for found in outcomes) == 1
    assert {found.code for found in outcomes if isinstance(found, Conflict)} == {
        "already_assigned"
    }
    assert user.role_assignments.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_writers_cannot_close_a_circle_between_them():
    a, b = Role.objects.create(name="a"), Role.objects.create(name="b")

    def link(role, parent):
        return RoleParent.objects.create(role=role, parent=parent)

    raw = after_commit_of(lambda: link(a, b), lambda: link(b, a))
    RoleParent.objects.filter(role__in=[a, b]).delete()
    served = after_commit_of(
        lambda: update_role(SYSTEM, role=a, definition=define("a", inherits=["b"])),
        lambda: update_role(SYSTEM, role=b, definition=define("b", inherits=["a"])),
    )

    assert isinstance(raw, IntegrityError)
    assert isinstance(served, Invalid)
    assert served.code == "role_cycle"
    assert RoleParent.objects.filter(role__in=[a, b]).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_role_is_not_deleted_while_it_is_given():
    user = make_user("person")

    for number in range(4):
        role = create_role(SYSTEM, definition=define(f"brief_{number}", "read_pii"))
        deleted, given = race(
            lambda role=role: delete_role(SYSTEM, role=role),
            lambda role=role: give_role(user, role.name),
        )
        exists = Role.objects.filter(name=role.name).exists()
        assert exists is isinstance(given, Assignment)
        assert isinstance(deleted, Conflict) is exists


@pytest.mark.django_db
@pytest.mark.parametrize("chain", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_the_database_refuses_circles_of_any_length(chain):
    roles = [Role.objects.create(name=name) for name in chain]
    for role, parent in pairwise(roles):
        RoleParent.objects.create(role=role, parent=parent)

    with pytest.raises(IntegrityError), transaction.atomic():
        RoleParent.objects.bulk_create([RoleParent(role=roles[-1], parent=roles[0])])


@pytest.mark.django_db
def test_a_role_comes_back_as_it_was_defined(admin):
    wanted = RoleDefinition(
        name="analyst",
        label="Analyst",
        description="Reads figures",
        inherits=("employee",),
        grants=(
            GrantDefinition("read_*", condition="context.hour < 20"),
            GrantDefinition(
                "read_sales",
                row_filter="resource.region == user.region",
                columns=("amount", "region"),
                requires_step_up=True,
            ),
            GrantDefinition("read_pii", effect="deny"),
        ),
    )

    role = create_role(actor(admin), definition=wanted)

    stored = definition_of(role)
    assert set(stored.grants) == set(wanted.grants)
    assert (stored.inherits, stored.label) == (wanted.inherits, wanted.label)


@pytest.mark.django_db
def test_it_deletes_only_roles_that_nobody_needs(admin, bob):
    base = create_role(actor(admin), definition=define("base", "read_pii"))
    heir = create_role(actor(admin), definition=define("heir", inherits=["base"]))
    row = give_role(bob, "heir")

    for role in (base, heir, Role.objects.get(name="employee")):
        with pytest.raises(Conflict):
            delete_role(actor(admin), role=role)
    revoke_assignment(actor(admin), assignment=row, reason="done")
    delete_role(actor(admin), role=heir)
    delete_role(actor(admin), role=base)

    assert not Role.objects.filter(name__in=["base", "heir"]).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["admin", "finance"])
def test_a_deleted_person_takes_his_assignments_along(role):
    user = make_user("brief")
    give_role(user, role)

    user.delete()

    assert not Assignment.objects.exists()
    assert selectors.current_snapshot().roles
