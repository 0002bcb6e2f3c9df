"""Permissions on objects are given and taken: by whom, once, with evidence."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connections
from django.utils import timezone

from accounts.tests.factories import make_user
from auditlog.selectors import list_events, read_events
from chatsec.core.context import ANONYMOUS
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound, StepUpRequired
from rbac.models import Role
from rbac.object_tables import group_table, user_table
from rbac.services import as_actor, grant_object, revoke_object
from rbac.tests.factories import give_role
from rbac.tests.shelves import (
    CHANGE,
    READ,
    a_role,
    administrator,
    collection_model,
    give,
    seen_by,
    take,
)

pytestmark = pytest.mark.django_db
RUN = "chat.run_querydefinition"


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
