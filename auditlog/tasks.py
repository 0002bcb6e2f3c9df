"""What beat runs for the audit log. Each is safe to run late, twice, or at once."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from auditlog.services import (
    anchoring,
    detection,
    log_checks,
    outbox,
    partitions,
    pruning,
    repeating,
    replaying,
    sealer,
    streaming,
)
from auditlog.services.detection import trials
from chatsec.core.jobs import enqueue


@shared_task
def run_rules() -> int:
    """Every finding of the rules has an alert; return how many are newly open."""
    return len(detection.run_rules(now=timezone.now()))


@shared_task
def refresh_baselines() -> int:
    """Learn what is usual for each, up to now; return how many baselines are new."""
    return detection.refresh_baselines(now=timezone.now())


# A busy table makes the partition functions give up after 5 s instead of queueing
# every writer behind them.
@shared_task(autoretry_for=(OperationalError,), max_retries=5, retry_backoff=True)
def keep_partitions() -> dict[str, int]:
    """Partitions exist ahead of time and none past its retention is left."""
    made = partitions.ensure_partitions()
    dropped = pruning.drop_expired()
    return {"made": made, "dropped": len(dropped)}


@shared_task
def seal_events() -> int:
    """Seal what was committed; return how many seals were made."""
    return len(sealer.seal_pending())


@shared_task
def check_log() -> int:
    """Compare the newest of the log with its seals; return how many events that was."""
    return log_checks.check_log(now=timezone.now()).events


@shared_task
def push_streams() -> int:
    """Send what was sealed to every stream; return how many batches were taken."""
    due = streaming.due_streams(now=timezone.now())
    return sum(streaming.push(stream_id) for stream_id in due)


@shared_task
def replay_spool() -> int:
    """Write the events that waited on this machine's disk; return how many."""
    return replaying.replay_spool().written


@shared_task
def write_left_out() -> int:
    """Write what stands for events that were too many; return how many that made."""
    return repeating.write_left_out(now=timezone.now())


@shared_task
def anchor_head() -> int:
    """Leave the newest head outside of the database; return at how many places."""
    return len(anchoring.anchor_head())


@shared_task
def deliver_messages() -> int:
    """Send the messages about incidents that are due; return how many went."""
    return outbox.deliver_due()


@shared_task
def run_trial(trial_id: str) -> str:
    """Go on with a rule's trial, for a turn; what is left or waits comes behind."""
    worked = trials.work_on(UUID(trial_id), trials.IN_TURNS, now=timezone.now())
    if worked == "more":
        enqueue("auditlog.tasks.run_trial", trial_id)
    elif worked == "done":
        hand_out_trials()
    return worked


@shared_task
def hand_out_trials() -> int:
    """Trials that nobody is at have a worker, old ones are gone; return how many."""
    now = timezone.now()
    trials.delete_expired(now=now)
    waiting = trials.waiting_trials(now=now)
    for trial_id in waiting:
        enqueue("auditlog.tasks.run_trial", str(trial_id))
    return len(waiting)
