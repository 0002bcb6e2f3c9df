"""Nobody gives what he does not hold: each way round it that we thought of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services.people import close_account
from accounts.tests.factories import make_user
from chatsec.core.context import SYSTEM
from chatsec.core.errors import Conflict, Denied
from rbac.models import Assignment, Role
from rbac.services import assign_role, check_permission, revoke_assignment
from rbac.services.portability import current_document, import_policy
from rbac.services.roles import (
    GrantDefinition,
    RoleDefinition,
    create_role,
    update_role,
)
from rbac.tests.factories import give_role
from rbac.tests.governing import acting, after_commit_of, make_role, race, role_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(erin):
    """Erin may manage roles, but holds little else."""
    make_role("clerk", "manage_roles", "read_hr_data")
    give_role(erin, "clerk")
    return erin


def edit(user, name, *codes, **terms):
    role = Role.objects.get(name=name)
    definition = role_of(name, *codes, **terms)
    return update_role(acting(user), role=role, definition=definition)


def test_it_refuses_to_widen_a_role_that_the_editor_holds_himself(clerk):
    with pytest.raises(Denied) as raised:
        edit(clerk, "clerk", "manage_roles", "read_hr_data", "read_pii")

    assert raised.value.code == "exceeds_own_permissions"
    assert not check_permission(clerk, "read_pii")


def test_it_refuses_to_widen_by_a_parent_of_the_editors_role(clerk):
    make_role("base")
    role = Role.objects.get(name="clerk")
    update_role(
        SYSTEM,
        role=role,
        definition=role_of("clerk", "manage_roles", "read_hr_data", inherits=["base"]),
    )

    with pytest.raises(Denied):
        edit(clerk, "base", "read_pii")
    with pytest.raises(Denied):
        edit(clerk, "clerk", "manage_roles", inherits=["finance"])

    edit(clerk, "base", "read_hr_data")


def test_it_refuses_to_lift_a_denial_in_a_parent(clerk, bob):
    """The child allows what the parent denies: without the denial its holders gain."""
    make_role("fence", deny=["read_pii"])
    make_role("fenced", "read_pii", inherits=["fence"])
    give_role(bob, "fenced")

    with pytest.raises(Denied):
        edit(clerk, "fence")

    assert not check_permission(bob, "read_pii")


def test_it_does_not_count_what_is_denied_to_the_giver_as_held(clerk, bob):
    make_role("most", "*", deny=["read_pii"])
    make_role("reader", "read_pii")
    make_role("readers", "read_*")
    give_role(clerk, "most")

    for role in ("reader", "readers"):
        with pytest.raises(Denied):
            assign_role(acting(clerk), user=bob, role=role, reason="why")
    assign_role(acting(clerk), user=bob, role="most", reason="same denial")


def test_it_refuses_to_take_a_role_that_denies_from_oneself(clerk):
    make_role("most", "*")
    make_role("fence", deny=["read_pii"])
    give_role(clerk, "most")
    fence = give_role(clerk, "fence")

    with pytest.raises(Denied):
        revoke_assignment(acting(clerk), assignment=fence, reason="mine")

    assert not check_permission(clerk, "read_pii")


@pytest.mark.parametrize("role", ["clerk", "employee", "admin", "public"])
def test_it_lets_nobody_give_himself_a_role(admin, clerk, role):
    for person in (admin, clerk):
        with pytest.raises((Denied, Conflict)) as raised:
            assign_role(acting(person), user=person, role=role, reason="longer")
        assert raised.value.code in ("own_assignment", "exceeds_own_permissions")


def test_it_lets_nobody_lengthen_his_own_time_from_a_second_session(bob):
    until = timezone.now() + timedelta(days=1)
    give_role(bob, "admin", valid_until=until)

    with pytest.raises(Denied) as raised:
        assign_role(
            acting(bob), user=bob, role="admin", reason="more", valid_from=until
        )

    assert raised.value.code == "own_assignment"


def test_it_lets_nobody_give_for_longer_than_he_holds(bob, charlie):
    until = timezone.now() + timedelta(days=1)
    give_role(bob, "admin", valid_until=until)
    give_role(make_user("root"), "admin")

    for end in (None, until + timedelta(seconds=1)):
        with pytest.raises(Denied):
            assign_role(
                acting(bob), user=charlie, role="finance", reason="w", valid_until=end
            )
    assign_role(
        acting(bob), user=charlie, role="finance", reason="why", valid_until=until
    )


def test_it_refuses_to_put_what_one_holds_for_a_while_into_a_lasting_role(clerk):
    until = timezone.now() + timedelta(days=1)
    give_role(clerk, "finance", valid_until=until)

    with pytest.raises(Denied):
        edit(clerk, "clerk", "manage_roles", "read_hr_data", "read_financial")


def test_it_refuses_to_edit_roles_above_the_editor(clerk):
    with pytest.raises(Denied):
        edit(clerk, "finance")


def test_it_protects_the_administrators_role(admin, clerk):
    role = Role.objects.get(name="admin")

    for person in (acting(admin), SYSTEM):
        with pytest.raises(Conflict) as raised:
            update_role(person, role=role, definition=role_of("admin", "read_pii"))
        assert raised.value.code == "protected_role"
    with pytest.raises((Conflict, Denied)):
        edit(clerk, "admin", "*")


def test_an_import_gives_no_more_than_an_edit(clerk):
    document = current_document()
    wider = tuple(
        role_of("clerk", "manage_roles", "read_hr_data", "read_pii")
        if role.name == "clerk"
        else role
        for role in document.roles
    )
    new = (*document.roles, role_of("mine", "*"))

    for roles in (wider, new):
        with pytest.raises(Denied) as raised:
            import_policy(
                acting(clerk), document=type(document)(roles, document.sod_rules)
            )
        assert raised.value.code == "exceeds_own_permissions"
    assert current_document() == document


def test_an_import_gives_nobody_a_role_of_his_own(clerk):
    document = current_document(assignments="with")
    rows = document.assignments or ()
    more = type(rows[0])("erin", "finance", timezone.now(), None, "mine")
    wanted = type(document)(document.roles, document.sod_rules, (*rows, more))

    with pytest.raises(Denied) as raised:
        import_policy(acting(clerk), document=wanted)

    assert raised.value.code == "own_assignment"


def test_it_keeps_an_administrator_whatever_denies(admin):
    """A role that denies `manage_roles` would lock the last one out."""
    make_role("locked", deny=["manage_*"])
    make_role("harmless", "read_pii")
    give_role(admin, "harmless")

    with pytest.raises(Conflict) as raised:
        assign_role(SYSTEM, user=admin, role="locked", reason="why")
    with pytest.raises(Conflict):
        update_role(
            SYSTEM,
            role=Role.objects.get(name="harmless"),
            definition=role_of("harmless", deny=["*"]),
        )

    assert raised.value.code == "last_administrator"
    assert check_permission(admin, "manage_roles")


def test_an_administrator_with_an_end_does_not_replace_a_lasting_one(admin):
    until = timezone.now() + timedelta(days=1)
    give_role(make_user("brief"), "admin", valid_until=until)

    with pytest.raises(Conflict):
        revoke_assignment(
            SYSTEM, assignment=admin.role_assignments.get(), reason="leaves"
        )
    with pytest.raises(Conflict):
        close_account(admin)

    admin.refresh_from_db()
    assert admin.is_active


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_one_stays_however_they_go():
    people = [make_user(name) for name in ("one", "two")]
    rows = [give_role(person, "admin") for person in people]

    second = after_commit_of(
        lambda: close_account(people[0]),
        lambda: revoke_assignment(SYSTEM, assignment=rows[1], reason="out"),
    )

    assert isinstance(second, Conflict)
    assert second.code == "last_administrator"


@pytest.mark.django_db(transaction=True)
def test_many_who_leave_at_once_leave_one_administrator():
    people = [make_user(f"root{number}") for number in range(4)]
    rows = [give_role(person, "admin") for person in people]
    acts = [
        lambda row=row: revoke_assignment(SYSTEM, assignment=row, reason="out")
        for row in rows[:2]
    ]
    acts += [lambda person=person: close_account(person) for person in people[2:]]

    race(*acts)

    assert (
        Assignment.objects.filter(
            role__name="admin", revoked_at=None, user__is_active=True
        ).count()
        == 1
    )


def test_ending_an_assignment_is_for_good(api, admin, bob):
    """Neither the service nor extra fields of the API bring it back."""
    row = bob.role_assignments.get()
    revoke_assignment(acting(admin), assignment=row, reason="left")

    with pytest.raises(Conflict):
        revoke_assignment(acting(admin), assignment=row, reason="again")
    path = f"/api/v1/rbac/assignments/{row.pk}"
    for method in ("patch", "put", "post"):
        answer = getattr(api(admin), method)(path, {"revoked_at": None})
        assert answer.status_code == 405
    assert not check_permission(bob, "read_sales")


def test_an_editor_within_his_rights_is_not_hindered(clerk, bob):
    create_role(acting(clerk), definition=RoleDefinition("plain"))
    edit(clerk, "plain", "read_hr_data")
    assign_role(acting(clerk), user=bob, role="plain", reason="helps")

    assert check_permission(bob, "read_hr_data")


def test_a_masked_column_is_not_held_in_clear(clerk, bob):
    masked = GrantDefinition("read_pii", columns=("name", "salary:null"))
    clear = GrantDefinition("read_pii", columns=("name", "salary"))
    create_role(SYSTEM, definition=RoleDefinition("masked", grants=(masked,)))
    create_role(SYSTEM, definition=RoleDefinition("clear", grants=(clear,)))
    give_role(clerk, "masked")

    assign_role(acting(clerk), user=bob, role="masked", reason="same mask")
    with pytest.raises(Denied):
        assign_role(acting(clerk), user=bob, role="clear", reason="why")
