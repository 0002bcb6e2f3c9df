"""Other processes with warm caches of their own, asked right after a commit."""

from __future__ import annotations

import multiprocessing
import os
from itertools import cycle

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.tests.factories import make_user
from rbac import selectors
from rbac.models import Assignment, Role, RoleGrant
from rbac.services import check_permission

CODE = "read_financial"
READERS = 2


def _serve(questions, user_id):
    """Answer until told to stop; runs in a child, which must not clean up for us."""
    from accounts.models import User

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


def _writes(user, role):
    """Yield writes that grant and take away in turn, each by another path."""

    def live():
        return Assignment.objects.filter(user=user, revoked_at=None)

    def assign():
        Assignment.objects.create(user=user, role=role, reason="turn")

    def assign_in_bulk():
        Assignment.objects.bulk_create(
            [Assignment(user=user, role=role, reason="turn")]
        )

    def grant_by_sql():
        _sql("UPDATE rbac_rolegrant SET effect = 'allow' WHERE role_id = %s", role.pk)

    return cycle(
        [
            (assign, True),
            (lambda: live().update(revoked_at=timezone.now()), False),
            (assign_in_bulk, True),
            (lambda: live().delete(), False),
            (assign, True),
            (
                lambda: _sql("DELETE FROM rbac_assignment WHERE user_id = %s", user.pk),
                False,
            ),
            (assign, True),
            (lambda: RoleGrant.objects.filter(role=role).update(effect="deny"), False),
            (grant_by_sql, True),
            (lambda: live().get().delete(), False),
        ]
    )


def _probe(rounds):
    user = make_user("person")
    role = Role.objects.create(name="role")
    RoleGrant.objects.create(role=role, code=CODE)
    selectors.current_snapshot()
    fork = multiprocessing.get_context("fork")
    readers = []
    for _ in range(READERS):
        ours, theirs = fork.Pipe()
        child = fork.Process(target=_serve, args=(theirs, user.pk), daemon=True)
        child.start()
        readers.append((ours, child))
    stale = 0
    try:
        for _, (write, expected) in zip(
            range(rounds), _writes(user, role), strict=False
        ):
            write()
            for ours, _ in readers:
                ours.send(True)
            stale += sum(ours.recv() is not expected for ours, _ in readers)
            stale += check_permission(user, CODE) is not expected
    finally:
        for ours, child in readers:
            ours.send(False)
            child.join(timeout=10)
    assert stale == 0


@pytest.mark.django_db(transaction=True)
def test_no_process_answers_from_before_a_commit():
    _probe(60)


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
def test_no_process_answers_from_before_any_of_many_commits():
    _probe(34_000)
