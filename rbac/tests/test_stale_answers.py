"""Other processes with warm caches of their own, asked right after a commit."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import contextmanager
from itertools import cycle, islice

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from chatsec.core.context import SYSTEM
from rbac import selectors
from rbac.models import Assignment, Role, RoleGrant, RoleParent
from rbac.services import assign_role, check_permission, revoke_assignment

CODE = "read_financial"
PROCESSES = 4
ADD_ASSIGNMENT = "/admin/rbac/assignment/add/"


def _serve(questions, user_id):
    """Answer until told to stop; runs in a child, which must not clean up for us."""
    for found in connections.all(initialized_only=True):
        # Inherited: the socket is the parent's and must not be said goodbye to.
        found.connection = None
    user = User.objects.get(pk=user_id)
    while questions.recv():
        questions.send(check_permission(user, CODE))
    os._exit(0)


def _sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


class Writer:
    """Grants and takes away, each time by another path."""

    def __init__(self, user, role):
        self.user, self.role = user, role
        self.parent = Role.objects.create(name="parent")
        self.client = None

    def live(self):
        return Assignment.objects.filter(user=self.user, revoked_at=None)

    def row(self):
        return Assignment(user=self.user, role=self.role, reason="turn")

    def by_orm(self):
        self.row().save()
        yield True
        self.live().get().delete()
        yield False

    def by_bulk(self):
        Assignment.objects.bulk_create([self.row(), self.row()])
        yield True
        rows = list(self.live())
        for row in rows:
            row.revoked_at = timezone.now()
        Assignment.objects.bulk_update(rows, ["revoked_at"])
        yield False

    def by_queryset(self):
        self.row().save()
        yield True
        self.live().update(revoked_at=timezone.now())
        yield False
        Assignment.objects.filter(user=self.user).update(revoked_at=None)
        yield True
        self.live().delete()
        yield False

    def by_sql(self):
        _sql(
            "INSERT INTO rbac_assignment (id, user_id, role_id, valid_from, created_at,"
            " reason, revoke_reason)"
            " VALUES (gen_random_uuid(), %s, %s, now(), now(), 'turn', '')",
            self.user.pk,
            self.role.pk,
        )
        yield True
        _sql(
            "UPDATE rbac_rolegrant SET effect = 'deny' WHERE role_id = %s", self.role.pk
        )
        yield False
        _sql(
            "UPDATE rbac_rolegrant SET effect = 'allow' WHERE role_id = %s",
            self.role.pk,
        )
        yield True
        _sql("DELETE FROM rbac_assignment WHERE user_id = %s", self.user.pk)
        yield False

    def by_grants(self):
        self.row().save()
        yield True
        RoleGrant.objects.filter(role=self.role).delete()
        yield False
        RoleGrant.objects.bulk_create([RoleGrant(role=self.role, code="read_*")])
        yield True
        RoleGrant.objects.filter(role=self.role).update(code="read_pii")
        yield False
        grant = RoleGrant.objects.get(role=self.role)
        grant.code = CODE
        grant.save()
        yield True
        self.live().delete()
        yield False

    def by_inheritance(self):
        self.row().save()
        yield True
        RoleGrant.objects.create(role=self.parent, code="*", effect="deny")
        yield True
        RoleParent.objects.create(role=self.role, parent=self.parent)
        yield False
        RoleParent.objects.bulk_create([])
        RoleParent.objects.filter(role=self.role).delete()
        yield True
        with transaction.atomic():
            RoleGrant.objects.filter(role=self.parent).delete()
            self.live().delete()
        yield False

    def by_a_lost_transaction(self):
        with transaction.atomic():
            self.row().save()
            assert check_permission(self.user, CODE)
            transaction.set_rollback(True)
        yield False
        with transaction.atomic():
            self.row().save()
        yield True
        with transaction.atomic():
            RoleGrant.objects.filter(role=self.role).update(effect="deny")
            assert not check_permission(self.user, CODE)
            transaction.set_rollback(True)
        yield True
        self.live().delete()
        yield False

    def by_service(self):
        assign_role(SYSTEM, user=self.user, role=self.role, reason="turn")
        yield True
        revoke_assignment(SYSTEM, assignment=self.live().get(), reason="turn")
        yield False

    def by_admin(self):
        form = {
            "user": self.user.pk,
            "role": self.role.pk,
            "valid_from_0": "2020-01-01",
            "valid_from_1": "00:00:00",
            "reason": "turn",
        }
        given = self.client.post(ADD_ASSIGNMENT, form)
        assert given.status_code == 302, given.content
        yield True
        path = f"/admin/rbac/assignment/{self.live().get().pk}/change/"
        taken = self.client.post(path, {"ending_reason": "turn"})
        assert taken.status_code == 302, taken.content
        yield False


@contextmanager
def _processes(user):
    """Yield a function that asks every other process at once."""
    fork = multiprocessing.get_context("fork")
    readers = []
    for _ in range(PROCESSES):
        ours, theirs = fork.Pipe()
        child = fork.Process(target=_serve, args=(theirs, user.pk), daemon=True)
        child.start()
        readers.append((ours, child))

    def ask():
        for ours, _ in readers:
            ours.send(True)
        return [ours.recv() for ours, _ in readers]

    try:
        yield ask
    finally:
        for ours, child in readers:
            ours.send(False)
            child.join(timeout=10)


def _stale_of(rounds, writer, paths):
    """Return how many of `rounds` x (processes + 1) answers were not the new one."""
    stale = 0
    with _processes(writer.user) as ask:
        turns = (expected for path in cycle(paths) for expected in path())
        for expected in islice(turns, rounds):
            answers = [*ask(), check_permission(writer.user, CODE)]
            stale += sum(answer is not expected for answer in answers)
    return stale


def _writer(browser, admin):
    user, role = make_user("person"), Role.objects.create(name="role")
    RoleGrant.objects.create(role=role, code=CODE)
    writer = Writer(user, role)
    writer.client = browser(admin)
    selectors.current_snapshot()
    return writer


def _quick_paths(writer):
    return [
        writer.by_orm,
        writer.by_bulk,
        writer.by_queryset,
        writer.by_sql,
        writer.by_grants,
        writer.by_inheritance,
        writer.by_a_lost_transaction,
    ]


@pytest.mark.django_db(transaction=True)
def test_no_process_answers_from_before_a_commit(browser, admin):
    writer = _writer(browser, admin)
    paths = [*_quick_paths(writer) * 5, writer.by_service, writer.by_admin]

    assert _stale_of(200, writer, paths) == 0


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
def test_no_process_answers_from_before_any_of_many_commits(browser, admin):
    writer = _writer(browser, admin)
    # The service and the page write audit events besides, so they take turns less.
    paths = [*_quick_paths(writer) * 10, writer.by_service, writer.by_admin]

    assert _stale_of(21_000, writer, paths) == 0
