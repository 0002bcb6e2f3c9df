"""Two roles that nobody has at once, by whatever way they would come together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.tests.factories import make_user
from auditlog.selectors import list_events
from chatsec.core.context import SYSTEM
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound
from rbac.governance_selectors import list_violations
from rbac.models import Role, SodRule
from rbac.services.roles import update_role
from rbac.services.separation import (
    create_sod_rule,
    delete_sod_rule,
    find_violations,
)
from rbac.tests.factories import give_role
from rbac.tests.governing import acting, after_commit_of, make_role, race, role_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def rule(db):
    make_role("orders", "read_financial")
    make_role("pays", "export_financial_reports")
    return apart()


def apart(one="orders", other="pays"):
    return create_sod_rule(SYSTEM, role_a=one, role_b=other, reason="four eyes")


def edit(name, **terms):
    role = Role.objects.get(name=name)
    return update_role(SYSTEM, role=role, definition=role_of(name, **terms))


def refused(act):
    with pytest.raises(Conflict) as raised:
        act()
    return raised.value.code == "sod_conflict"


def test_it_refuses_the_second_role(rule, bob):
    give_role(bob, "orders")

    assert refused(lambda: give_role(bob, "pays"))

    assert not bob.role_assignments.filter(role__name="pays").exists()


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        ((0, 2), (1, 3), True),
        ((0, None), (5, None), True),
        ((2, None), (0, 1), False),
        ((0, 2), (2, 4), False),
        ((2, 4), (0, 2), False),
        ((1, 2), (0, None), True),
    ],
)
def test_it_compares_scheduled_times(rule, bob, first, second, is_refused):
    now = timezone.now()

    def give(role, period):
        start, end = period
        give_role(
            bob,
            role,
            valid_from=now + timedelta(hours=start),
            valid_until=None if end is None else now + timedelta(hours=end),
        )

    give("orders", first)
    if is_refused:
        assert refused(lambda: give("pays", second))
    else:
        give("pays", second)


def test_it_looks_through_inheritance(rule, bob, charlie):
    make_role("buyer", inherits=["orders"])
    make_role("chief", inherits=["pays"])
    make_role("both", inherits=["buyer", "chief"])
    give_role(bob, "buyer")

    assert refused(lambda: give_role(bob, "chief"))
    assert refused(lambda: give_role(charlie, "both"))


@pytest.mark.parametrize("edited", ["buyer", "clerk"])
def test_it_refuses_an_edit_that_brings_roles_together(rule, bob, edited):
    make_role("clerk")
    make_role("buyer", inherits=["clerk"])
    give_role(bob, "orders")
    give_role(bob, "buyer")

    assert refused(lambda: edit(edited, inherits=["pays"]))


def test_it_lets_roles_meet_where_nobody_has_them(rule):
    make_role("both", inherits=["orders", "pays"])

    assert find_violations() == frozenset()


def test_it_lists_who_had_both_before(bob, alice):
    make_role("orders")
    make_role("pays")
    for role in ("orders", "pays"):
        give_role(bob, role)
    rule = apart()

    found = list_violations(find_violations())

    assert [(each.username, each.rule) for each in found] == [("bob", rule)]
    # What is broken already hinders nobody else.
    give_role(bob, "employee")
    give_role(alice, "pays")


def test_a_rule_holds_in_either_order_and_once(rule):
    with pytest.raises(Conflict):
        apart("pays", "orders")
    with pytest.raises(Invalid):
        apart("pays", "pays")
    with pytest.raises(NotFound):
        apart("pays", "nothing")
    with pytest.raises(IntegrityError):
        SodRule.objects.create(role_a=rule.role_a, role_b=rule.role_a, reason="x")


def test_only_who_holds_both_lifts_a_rule(rule, erin, admin):
    make_role("clerk", "manage_roles", "read_financial")
    give_role(erin, "clerk")

    with pytest.raises(Denied):
        delete_sod_rule(acting(erin), rule=rule)
    delete_sod_rule(acting(admin), rule=rule)

    assert not SodRule.objects.exists()
    for name in ("rbac.sod_rule_created", "rbac.sod_rule_deleted"):
        assert list_events(event_type=name).count() == 1


def test_strangers_make_no_rules(rule, charlie):
    with pytest.raises(Denied):
        create_sod_rule(acting(charlie), role_a="admin", role_b="pays", reason="x")
    with pytest.raises(Denied):
        delete_sod_rule(acting(charlie), rule=rule)


@pytest.mark.django_db(transaction=True)
def test_two_roles_given_at_once_do_not_meet():
    make_role("orders")
    make_role("pays")
    apart()
    user, other = make_user("person"), make_user("other")

    late = after_commit_of(
        lambda: give_role(user, "orders"), lambda: give_role(user, "pays")
    )
    outcomes = race(
        *[lambda role=role: give_role(other, role) for role in ("orders", "pays")]
    )

    assert isinstance(late, Conflict)
    assert late.code == "sod_conflict"
    assert sum(isinstance(each, Conflict) for each in outcomes) == 1


@pytest.mark.django_db(transaction=True)
def test_an_edit_and_an_assignment_at_once_do_not_meet():
    make_role("orders")
    make_role("pays")
    make_role("clerk")
    apart()
    user = make_user("person")
    give_role(user, "orders")

    late = after_commit_of(
        lambda: edit("clerk", inherits=["pays"]), lambda: give_role(user, "clerk")
    )

    assert isinstance(late, Conflict)
    assert late.code == "sod_conflict"
