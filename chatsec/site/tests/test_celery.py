"""One worker process serves many tasks; none of them speaks for another."""

import pytest
from celery.signals import task_prerun
from django.db import connection, transaction

from chatsec.celery import app
from chatsec.core import context
from chatsec.core.context import ANONYMOUS, SYSTEM, RequestContext


@app.task(name="chatsec.tests.leave_an_actor")
def leave_an_actor():
    found = context.current()
    context.set_actor(ANONYMOUS)
    return found


def test_each_task_has_its_own_id_and_acts_as_the_system():
    first, second = leave_an_actor.apply(), leave_an_actor.apply()

    assert first.result.request_id == first.id
    assert second.result.request_id == second.id
    assert first.result.actor == second.result.actor == SYSTEM


def test_a_task_that_is_called_leaves_the_caller_as_it_was():
    with context.bound(RequestContext(actor=ANONYMOUS)) as before:
        inside = leave_an_actor()

        assert context.current() == before
    assert inside.request_id != before.request_id
    assert inside.actor == SYSTEM


def test_every_task_of_ours_does_so():
    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]

    assert all(isinstance(task, app.Task) for task in ours)
    assert {"auditlog.tasks.run_rules"} <= {task.name for task in ours}


@pytest.mark.django_db(transaction=True)
def test_a_block_that_a_limit_of_time_left_unfinished_ends_with_its_task(monkeypatch):
    def limit(*_):
        raise TimeoutError

    @transaction.atomic
    def broken_off():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    with monkeypatch.context() as patch:
        patch.setattr(transaction.Atomic, "__exit__", limit)
        with pytest.raises(TimeoutError):
            broken_off()
    connection.close()  # what Celery does after a task

    task_prerun.send(sender=leave_an_actor)

    assert not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
