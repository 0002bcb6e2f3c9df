"""The Celery application and what beat runs."""

import os

from celery import Celery, Task
from celery.signals import task_prerun
from django.db import close_old_connections
from kombu.exceptions import OperationalError

from chatsec.core import context
from chatsec.core.context import RequestContext
from chatsec.core.errors import Json

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsec.settings")


class OwnContextTask(Task):  # type: ignore[type-arg]  # generic in the stubs only
    """Runs as the system under the task's own id: a process serves many of them."""

    def __call__(self, *arguments: object, **named: object) -> object:
        """Run the task; what it left in the context ends with it."""
        own_id = self.request.id
        own = RequestContext(request_id=own_id) if own_id else RequestContext()
        with context.bound(own):
            return super().__call__(*arguments, **named)


app = Celery("chatsec", task_cls=OwnContextTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def begin_outside_of_blocks(sender: Task, **_: object) -> None:  # type: ignore[type-arg]  # as above
    """Leave the block of a task that a limit of time broke off, if it is still there.

    Celery closes connections between tasks; this one would stay closed for good.
    """
    if not sender.request.is_eager:
        close_old_connections()


def send(task: str, arguments: tuple[Json, ...]) -> None:
    """Put the task into the queue, or raise OSError at once: callers do not wait."""
    try:
        app.send_task(task, args=arguments, retry=False)
    except OperationalError as error:
        raise ConnectionError(str(error)) from error


MINUTE = 60.0
DAY = 24 * 60 * MINUTE

app.conf.beat_schedule = {
    # Late ones are dropped: the next one does the same work.
    "seal-events": {
        "task": "auditlog.tasks.seal_events",
        "schedule": 1.0,
        "options": {"expires": 2.0},
    },
    # Late ones are dropped; what one delivers another does not, however long it takes.
    "event-streams": {
        "task": "auditlog.tasks.push_streams",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "replay-spool": {
        "task": "auditlog.tasks.replay_spool",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "left-out": {
        "task": "auditlog.tasks.write_left_out",
        "schedule": 20.0,
        "options": {"expires": 20.0},
    },
    "anchor-head": {"task": "auditlog.tasks.anchor_head", "schedule": 5 * MINUTE},
    # One that is late finds the same.
    "run-rules": {
        "task": "auditlog.tasks.run_rules",
        "schedule": MINUTE,
        "options": {"expires": MINUTE},
    },
    "rule-trials": {
        "task": "auditlog.tasks.hand_out_trials",
        "schedule": MINUTE,
        "options": {"expires": MINUTE},
    },
    "baselines": {
        "task": "auditlog.tasks.refresh_baselines",
        "schedule": 60 * MINUTE,
    },
    "incident-messages": {
        "task": "auditlog.tasks.deliver_messages",
        "schedule": MINUTE,
    },
    "check-log": {"task": "auditlog.tasks.check_log", "schedule": DAY},
    "audit-partitions": {"task": "auditlog.tasks.keep_partitions", "schedule": DAY},
    "stranded-requests": {
        "task": "privacy.tasks.sweep_stranded_requests",
        "schedule": MINUTE,
    },
    "retention": {"task": "privacy.tasks.apply_retention", "schedule": DAY},
    "stale-access-requests": {
        "task": "rbac.tasks.expire_requests",
        "schedule": 60 * MINUTE,
    },
    "account-notices": {
        "task": "accounts.tasks.deliver_notices",
        "schedule": MINUTE,
    },
    "finished-requests": {
        "task": "chat.tasks.forget_finished_requests",
        "schedule": 60 * MINUTE,
    },
}
