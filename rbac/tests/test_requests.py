"""Asking for a role, and who may say yes."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.services.people import close_account
from accounts.tests.factories import make_user
from auditlog.selectors import list_events, read_events
from chatsec.core.context import SYSTEM
from chatsec.core.errors import (
    Conflict,
    Denied,
    DomainError,
    Invalid,
    NotFound,
    StepUpRequired,
    TooMany,
)
from rbac.models import AccessRequest, Assignment
from rbac.services import check_permission, decide
from rbac.services.requests import (
    approve_request,
    cancel_request,
    deny_request,
    expire_requests,
    request_access,
)
from rbac.services.separation import create_sod_rule
from rbac.tasks import expire_requests as expire_task
from rbac.tests.factories import give_role
from rbac.tests.governing import acting, make_role, race

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


def ask(user, role="finance", *, reason="quarterly report", duration=WEEK):
    return request_access(
        acting(user), user=user, role=role, reason=reason, duration=duration
    )


def test_what_is_approved_ends_by_itself(admin, bob):
    asked = ask(bob)

    decided = approve_request(acting(admin), request_id=asked.id, reason="go ahead")

    assert decided.state == "approved"
    row = bob.role_assignments.get(role__name="finance")
    assert decided.assignment == row
    assert row.granted_by == admin
    assert row.valid_until - row.valid_from == pytest.approx(
        WEEK, abs=timedelta(seconds=5)
    )
    assert check_permission(bob, "read_financial")
    later = timezone.now() + WEEK
    assert not decide(acting(bob), "read_financial", at=later).is_allowed


def test_each_step_leaves_evidence_with_before_and_after(admin, bob):
    deny_request(acting(admin), request_id=ask(bob).id, reason="not needed")

    asked, decided = (
        read_events(list_events(event_type=name)[:1])[0]
        for name in ("rbac.access_requested", "rbac.access_decided")
    )
    assert asked.details["after"]["state"] == "open"
    assert decided.details["before"]["state"] == "open"
    assert decided.details["after"]["state"] == "denied"
    assert decided.subject_details["reason"] == "not needed"
    assert not check_permission(bob, "read_financial")


def test_nobody_approves_his_own_request_from_any_session(admin, bob):
    give_role(bob, "admin")
    asked = ask(bob)

    for session in (acting(bob), acting(bob, stepped_up=timedelta(0))):
        with pytest.raises(Denied) as raised:
            approve_request(session, request_id=asked.id)
        assert raised.value.code == "own_request"
        with pytest.raises(Denied):
            deny_request(session, request_id=asked.id, reason="no")

    assert not bob.role_assignments.filter(role__name="finance").exists()


def test_the_database_keeps_requester_and_approver_apart(bob):
    asked = ask(bob)

    with pytest.raises(IntegrityError):
        AccessRequest.objects.filter(pk=asked.pk).update(
            state="approved", decided_by=bob
        )


def test_who_approves_holds_what_he_gives(erin, bob):
    make_role("clerk", "manage_roles")
    give_role(erin, "clerk")
    asked = ask(bob)

    with pytest.raises(Denied) as raised:
        approve_request(acting(erin), request_id=asked.id)

    assert raised.value.code == "exceeds_own_permissions"
    asked.refresh_from_db()
    assert asked.state == "open"


def test_who_approves_has_shown_a_second_factor(admin, charlie, bob):
    asked = ask(bob)

    with pytest.raises(StepUpRequired):
        approve_request(acting(admin, amr=("pwd",)), request_id=asked.id)
    with pytest.raises(Denied):
        approve_request(acting(charlie), request_id=asked.id)
    with pytest.raises(Denied):
        deny_request(acting(charlie), request_id=asked.id, reason="no")


def test_a_request_is_decided_once(admin, bob):
    asked = ask(bob)
    deny_request(acting(admin), request_id=asked.id, reason="no")

    for decide_again in (
        lambda: approve_request(acting(admin), request_id=asked.id),
        lambda: deny_request(acting(admin), request_id=asked.id, reason="no"),
        lambda: cancel_request(acting(bob), request_id=asked.id),
    ):
        with pytest.raises(Conflict):
            decide_again()


def test_only_the_requester_takes_it_back(admin, bob, charlie):
    asked = ask(bob)

    for person in (charlie, admin):
        with pytest.raises(NotFound):
            cancel_request(acting(person), request_id=asked.id)
    cancel_request(acting(bob), request_id=asked.id)

    with pytest.raises(Conflict):
        approve_request(acting(admin), request_id=asked.id)
    with pytest.raises(NotFound):
        cancel_request(acting(bob), request_id=uuid4())


def test_it_waits_for_fourteen_days_only(admin, bob):
    asked = ask(bob)
    AccessRequest.objects.filter(pk=asked.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )

    with pytest.raises(Conflict):
        approve_request(acting(admin), request_id=asked.id)
    assert expire_requests() == 1
    assert expire_task() == 0

    asked.refresh_from_db()
    assert asked.state == "expired"
    assert asked.expires_at - asked.created_at <= timedelta(days=14)
    ask(bob)


def test_a_stale_request_does_not_stand_in_the_way(bob):
    asked = ask(bob)
    AccessRequest.objects.filter(pk=asked.pk).update(expires_at=timezone.now())

    assert ask(bob).state == "open"


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"role": "no_such_role"}, NotFound),
        ({"role": "public"}, NotFound),
        ({"role": "\x00"}, NotFound),
        ({"role": "sales_rep"}, Conflict),
        ({"reason": "  "}, Invalid),
        ({"reason": "x" * 501}, Invalid),
        ({"duration": timedelta(minutes=1)}, Invalid),
        ({"duration": timedelta(days=91)}, Invalid),
        ({"duration": timedelta(days=-1)}, Invalid),
    ],
)
def test_it_refuses_what_makes_no_sense(bob, terms, error):
    with pytest.raises(error):
        ask(bob, **terms)


def test_people_ask_for_themselves_once_for_each_role(bob, charlie):
    ask(bob)

    with pytest.raises(Conflict):
        ask(bob)
    for actor in (acting(charlie), SYSTEM):
        with pytest.raises(Denied):
            request_access(actor, user=bob, role="finance", reason="x", duration=WEEK)


def test_nobody_floods_the_queue(bob):
    for number in range(11):
        make_role(f"role_{number}")
    for number in range(10):
        ask(bob, f"role_{number}")

    with pytest.raises(TooMany):
        ask(bob, "role_10")


def test_duties_stay_apart_and_closed_accounts_get_nothing(admin, bob, erin):
    create_sod_rule(SYSTEM, role_a="sales_rep", role_b="finance", reason="four eyes")
    asked, other = ask(bob), ask(erin)
    close_account(erin)

    with pytest.raises(Conflict) as raised:
        approve_request(acting(admin), request_id=asked.id)
    assert raised.value.code == "sod_conflict"
    with pytest.raises(Conflict):
        approve_request(acting(admin), request_id=other.id)


@pytest.mark.django_db(transaction=True)
def test_of_parallel_decisions_exactly_one_counts():
    roots = [make_user(f"root{number}") for number in range(3)]
    for root in roots:
        give_role(root, "admin")
    user = make_user("person")
    asked = race(*[lambda: ask(user)] * 3)
    (made,) = [each for each in asked if isinstance(each, AccessRequest)]

    outcomes = race(
        *[
            lambda root=root: approve_request(acting(root), request_id=made.id)
            for root in roots
        ],
        lambda: cancel_request(acting(user), request_id=made.id),
    )

    decided = [each for each in outcomes if not isinstance(each, DomainError)]
    assert len(decided) == 1
    made.refresh_from_db()
    given = Assignment.objects.filter(user=user).count()
    assert given == (1 if made.state == "approved" else 0)
