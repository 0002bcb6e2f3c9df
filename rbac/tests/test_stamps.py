"""A cached answer never survives the commit of a change, whoever wrote it and how."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.tests.factories import make_user
from chatsec.core.context import Actor, ActorKind
from rbac import selectors
from rbac.models import Assignment, Role, RoleGrant, RoleParent
from rbac.services import check_permission, decide
from rbac.tests.factories import give_role


class Reader:
    """Another connection with a warm cache of its own thread's making."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self.ask = ask
        self.question, self.answer = threading.Semaphore(0), threading.Semaphore(0)
        self.found: bool | Exception | None = None
        self.is_over = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            self.question.acquire()
            if self.is_over:
                connection.close()
                return
            try:
                self.found = self.ask()
            except Exception as error:  # noqa: BLE001 - shown in the test's thread
                self.found = error
            self.answer.release()

    def __call__(self) -> bool:
        self.question.release()
        assert self.answer.acquire(timeout=10)
        assert isinstance(self.found, bool), self.found
        return self.found

    def close(self) -> None:
        self.is_over = True
        self.question.release()
        self.thread.join(timeout=10)


@contextmanager
def reader(ask):
    made = Reader(ask)
    try:
        yield made
    finally:
        made.close()


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def by_orm(user, role):
    Assignment.objects.get(user=user, role=role).delete()


def by_bulk_update(user, role):
    Assignment.objects.filter(user=user).update(revoked_at=timezone.now())


def by_bulk_delete(user, role):
    Assignment.objects.filter(role=role).delete()


def by_raw_sql(user, role):
    sql("DELETE FROM rbac_assignment WHERE user_id = %s", user.pk)


def by_moving_it(user, role):
    other = make_user("other")
    Assignment.objects.filter(user=user).update(user=other)


def by_deleting_the_grant(user, role):
    RoleGrant.objects.filter(role=role).delete()


def by_raw_grant(user, role):
    sql("UPDATE rbac_rolegrant SET effect = 'deny' WHERE role_id = %s", role.pk)


def by_bulk_created_deny(user, role):
    RoleGrant.objects.bulk_create(
        [RoleGrant(role=role, code="read_financial", effect="deny")]
    )


def by_inherited_deny(user, role):
    parent = Role.objects.create(name="parent")
    RoleGrant.objects.create(role=parent, code="*", effect="deny")
    RoleParent.objects.create(role=role, parent=parent)


WRITES = [
    by_orm,
    by_bulk_update,
    by_bulk_delete,
    by_raw_sql,
    by_moving_it,
    by_deleting_the_grant,
    by_raw_grant,
    by_bulk_created_deny,
    by_inherited_deny,
]


@pytest.mark.django_db(transaction=True)
def test_no_reader_answers_from_before_the_commit():
    for number, write in enumerate(WRITES):
        user = make_user(f"person-{number}")
        role = Role.objects.create(name=f"role_{number}")
        RoleGrant.objects.create(role=role, code="read_financial")
        give_role(user, role.name)

        with reader(lambda user=user: check_permission(user, "read_financial")) as ask:
            assert ask(), write
            with transaction.atomic():
                write(user, role)
                assert not check_permission(user, "read_financial"), write
                assert ask(), write
            assert not ask(), write
            assert not check_permission(user, "read_financial"), write
        Assignment.objects.all().delete()
        Role.objects.filter(name="parent").delete()


@pytest.mark.django_db(transaction=True)
def test_a_change_that_was_rolled_back_leaves_no_answer_behind():
    user, role = make_user("person"), Role.objects.create(name="role")
    give_role(user, "role")

    class Rollback(Exception):
        pass

    for _ in range(2):
        with pytest.raises(Rollback), transaction.atomic():  # noqa: PT012
            RoleGrant.objects.create(role=role, code="read_financial")
            assert check_permission(user, "read_financial")
            raise Rollback
        assert not check_permission(user, "read_financial")

    RoleGrant.objects.create(role=role, code="read_hr_data")
    assert not check_permission(user, "read_financial")
    assert check_permission(user, "read_hr_data")


@pytest.mark.django_db
def test_it_asks_one_cheap_query_and_one_for_all_while_a_stamp_is_held(
    erin, django_assert_num_queries
):
    check_permission(erin, "read_own_data")

    with django_assert_num_queries(1):
        assert check_permission(erin, "read_own_data")
    selectors.hold_stamp(erin)
    with django_assert_num_queries(1):
        assert check_permission(erin, "read_own_data")
        assert not erin.has_perm("rbac.read_financial")
        selectors.hold_stamp(erin)
        assert erin.has_perm("rbac.read_own_data")
    selectors.release_stamp(erin)
    with django_assert_num_queries(1):
        assert check_permission(erin, "read_own_data")


@pytest.mark.django_db
def test_it_leaves_other_peoples_entries_alone(alice, bob):
    before = selectors.read_stamp(alice.id)

    give_role(bob, "finance")

    assert selectors.read_stamp(alice.id) == before
    assert selectors.read_stamp(bob.id).policy == before.policy


@pytest.mark.django_db
def test_it_counts_an_assignment_from_its_start_until_its_end():
    user, now = make_user("temp"), timezone.now()
    start, end = now + timedelta(hours=1), now + timedelta(hours=2)
    give_role(user, "finance", valid_from=start, valid_until=end)
    actor, tick = Actor(kind=ActorKind.USER, person=user), timedelta(microseconds=1)

    def may(at):
        return decide(actor, "read_financial", at=at).is_allowed

    assert not check_permission(user, "read_financial")
    assert [may(start - tick), may(start), may(end - tick), may(end)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.django_db
def test_a_cached_entry_ends_with_the_assignment_without_any_write():
    user, now = make_user("temp"), timezone.now()
    end = now + timedelta(milliseconds=400)
    give_role(user, "finance", valid_until=end)

    assert check_permission(user, "read_financial")
    entry = selectors.entry_for(user)
    assert entry.valid_until == pytest.approx(end.timestamp())
    while timezone.now() < end:
        threading.Event().wait(0.05)
    assert not check_permission(user, "read_financial")


@pytest.mark.django_db
def test_a_cached_entry_begins_with_the_assignment_without_any_write():
    user, start = make_user("temp"), timezone.now() + timedelta(milliseconds=400)
    give_role(user, "finance", valid_from=start)

    assert not check_permission(user, "read_financial")
    while timezone.now() < start:
        threading.Event().wait(0.05)
    assert check_permission(user, "read_financial")


@pytest.mark.django_db
def test_it_fails_closed_on_rows_that_make_no_sense(erin):
    role = Role.objects.get(name="employee")
    RoleGrant.objects.create(role=role, code="read_hr_data", condition="user.x ==")
    RoleGrant.objects.create(role=role, code="read_pii", columns={"a": 1})
    RoleGrant.objects.create(role=role, code="", columns=[1, None])
    actor = Actor(kind=ActorKind.USER, person=erin)

    from rbac.services import data_scope

    assert decide(actor, "read_hr_data").outcome == "deny"
    assert data_scope(actor, "read_pii").visible_columns(["a"]) == ()
    assert check_permission(erin, "read_own_data")
