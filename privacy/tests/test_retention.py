"""Retention: what is past its time goes, what is held stays, and it is written down."""

from __future__ import annotations

import io
import threading
import time
from datetime import timedelta

import pytest
from axes.models import AccessFailureLog
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from accounts.services.lockout import account_digest
from accounts.tests.race import race
from auditlog import selectors as audit
from auditlog.services import partitions, pruning, sealer
from auditlog.tests.factories import make_event
from chatsec.core.context import ANONYMOUS
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound
from privacy import selectors, tasks
from privacy.models import LegalHold, RetentionPolicy, RetentionRun, SubjectRequest
from privacy.services import register, requests, retention
from privacy.tests.factories import actor_of, declared

DATABASES = ["default", "retention"]
pytestmark = pytest.mark.django_db(databases=DATABASES)
# A hold and a run after it lock on two connections: each has to commit.
committing = pytest.mark.django_db(transaction=True, databases=DATABASES)


def closed_request(person, *, days_ago: int) -> SubjectRequest:
    then = timezone.now() - timedelta(days=days_ago)
    return SubjectRequest.objects.create(
        subject_id=person.id,
        kind="erasure",
        state="completed",
        identity_proof="sign_in",
        channel="api",
        received_at=then,
        due_at=then,
        closed_at=then,
        resolution="Done",
    )


def failed_sign_in(person, *, days_ago: int) -> AccessFailureLog:
    row = AccessFailureLog.objects.create(
        username=account_digest(person, person.username).hex(), user_agent=""
    )
    then = timezone.now() - timedelta(days=days_ago)
    AccessFailureLog.objects.filter(pk=row.pk).update(attempt_time=then)
    return row


def test_what_is_past_its_time_goes_and_the_rest_stays(alice):
    old = closed_request(alice, days_ago=1096)
    young = closed_request(alice, days_ago=1094)

    run = retention.run_retention(dry_run=False)

    assert run.counts["privacy.SubjectRequest"] == 1
    assert list(SubjectRequest.objects.all()) == [young]
    assert not SubjectRequest.objects.filter(id=old.id).exists()
    assert run.failures == {}
    assert run.finished_at


def test_an_open_request_never_expires(alice):
    request = requests.open_request(actor_of(alice), "erasure")
    SubjectRequest.objects.filter(id=request.id).update(
        received_at=timezone.now() - timedelta(days=5000)
    )

    retention.run_retention(dry_run=False)

    assert SubjectRequest.objects.filter(id=request.id).exists()


def test_the_preview_counts_what_the_run_deletes_and_deletes_nothing(alice):
    closed_request(alice, days_ago=2000)
    failed_sign_in(alice, days_ago=100)

    preview = retention.run_retention(dry_run=True)

    assert preview.is_dry_run
    assert SubjectRequest.objects.count() == 1
    done = retention.run_retention(dry_run=False)
    assert preview.counts == done.counts
    assert done.counts["axes.AccessFailureLog"] == 1


@committing
def test_held_persons_rows_stay(alice, bob, admin):
    retention.place_hold(actor_of(admin), subject_id=alice.id, matter="2026/4")
    for person in (alice, bob):
        closed_request(person, days_ago=2000)
        failed_sign_in(person, days_ago=100)
    AccessFailureLog.objects.create(username=None, user_agent="")
    AccessFailureLog.objects.filter(username=None).update(
        attempt_time=timezone.now() - timedelta(days=100)
    )

    run = retention.run_retention(dry_run=False)

    assert run.held_subjects == 1
    assert [row.subject_id for row in SubjectRequest.objects.all()] == [alice.id]
    names = list(AccessFailureLog.objects.values_list("username", flat=True))
    assert names == [account_digest(alice, "alice").hex()]


@committing
def test_after_the_release_they_go(alice, admin):
    hold = retention.place_hold(actor_of(admin), subject_id=alice.id, matter="2026/4")
    closed_request(alice, days_ago=2000)
    retention.release_hold(actor_of(admin), hold.id)

    retention.run_retention(dry_run=False)

    assert not SubjectRequest.objects.exists()


def test_one_that_fails_does_not_stop_the_others(alice):
    closed_request(alice, days_ago=2000)

    def broken(_before, _held):
        raise OSError

    with declared("a.First", lambda _s: iter(()), retention="analytics", expire=broken):
        run = retention.run_retention(dry_run=False)

    assert run.failures == {"a.First": "OSError"}
    assert run.counts["privacy.SubjectRequest"] == 1


def test_a_period_that_nobody_set_is_a_failure_and_deletes_nothing():
    def never(_before, _held):
        raise AssertionError

    with declared("a.First", lambda _s: iter(()), retention="nothing", expire=never):
        run = retention.run_retention(dry_run=False)

    assert run.failures == {"a.First": "KeyError"}


def test_a_run_leaves_evidence(alice):
    closed_request(alice, days_ago=2000)

    retention.run_retention(dry_run=False)

    found = audit.list_events(event_type="privacy.retention_applied")
    read = audit.read_events(list(found))[0]
    assert read.details["counts"]["privacy.SubjectRequest"] == 1


def test_the_command_prints_the_preview(alice):
    closed_request(alice, days_ago=2000)
    out = io.StringIO()

    call_command("retention", "--dry-run", stdout=out)

    assert "privacy.SubjectRequest: 1 would go" in out.getvalue()
    assert RetentionRun.objects.get().is_dry_run


def test_the_command_fails_when_a_model_failed():
    with (
        declared("a.First", lambda _s: iter(()), retention="", expire=lambda *_: 0),
        pytest.raises(CommandError, match=r"a\.First"),
    ):
        call_command("retention", stdout=io.StringIO())


def test_the_task_runs_it(alice):
    closed_request(alice, days_ago=2000)

    assert tasks.apply_retention() >= 1


@committing
def test_nothing_is_deleted_once_a_hold_is_placed(alice, admin):
    """The hold waits for a deletion that did not see it, and then the next one does."""
    closed_request(alice, days_ago=2000)
    deleting, told = threading.Event(), []

    def expire(_before, held):
        deleting.set()
        time.sleep(0.3)
        told.append(("expired", alice.id in held))
        return 0

    def place():
        deleting.wait(10)
        retention.place_hold(actor_of(admin), subject_id=alice.id, matter="1")
        told.append(("placed", True))
        connections.close_all()

    placing = threading.Thread(target=place)
    with declared("a.A", lambda _s: iter(()), retention="analytics", expire=expire):
        placing.start()
        retention.run_retention(dry_run=False)
        placing.join()
        retention.run_retention(dry_run=False)

    assert told[:2] == [("expired", False), ("placed", True)]
    assert told[2] == ("expired", True)


@committing
def test_a_hold_is_placed_once_and_released_once(alice, admin):
    actor = actor_of(admin)

    placed = race(
        6, lambda: retention.place_hold(actor, subject_id=alice.id, matter="1")
    )

    holds = [each for each in placed if isinstance(each, LegalHold)]
    assert len(holds) == 1
    assert sum(isinstance(each, Conflict) for each in placed) == 5
    released = race(6, lambda: retention.release_hold(actor, holds[0].id))
    assert sum(isinstance(each, LegalHold) for each in released) == 1
    assert selectors.held_subjects() == frozenset()


def test_two_matters_hold_until_both_are_released(alice, admin):
    actor = actor_of(admin)
    first = retention.place_hold(actor, subject_id=alice.id, matter="1")
    retention.place_hold(actor, subject_id=alice.id, matter="2")

    retention.release_hold(actor, first.id)

    assert selectors.held_subjects() == {alice.id}


def test_a_hold_names_its_matter_and_who_placed_it(alice, admin):
    with pytest.raises(Invalid):
        retention.place_hold(actor_of(admin), subject_id=alice.id, matter=" ")
    with pytest.raises(Denied):
        retention.place_hold(ANONYMOUS, subject_id=alice.id, matter="1")
    with pytest.raises(NotFound):
        retention.release_hold(actor_of(admin), alice.id)


def test_a_period_is_changed_with_evidence(admin):
    register.set_retention(actor_of(admin), key="chat_logs", days=30)

    assert RetentionPolicy.objects.get(key="chat_logs").days == 30
    found = audit.list_events(event_type="privacy.register_changed")
    assert audit.read_events(list(found))[0].details == {"days_before": 90, "days": 30}


def test_zero_days_are_refused_by_service_and_database(admin):
    with pytest.raises(Invalid):
        register.set_retention(actor_of(admin), key="chat_logs", days=0)
    with pytest.raises(DatabaseError), transaction.atomic():
        RetentionPolicy.objects.filter(key="chat_logs").update(days=0)


@pytest.mark.parametrize("key", ["audit", "error_log"])
def test_a_period_that_nothing_expires_by_is_fixed(admin, key):
    with pytest.raises(Conflict):
        register.set_retention(actor_of(admin), key=key, days=1)


def test_the_periods_of_the_reference_chapter_are_seeded():
    days = dict(RetentionPolicy.objects.values_list("key", "days"))

    assert (days["chat_logs"], days["analytics"], days["audit"]) == (90, 365, 2555)


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "retention"])
def test_a_hold_keeps_the_audit_partitions_that_are_about_its_person(admin, alice):
    about_her, about_nobody = old_partition(131, alice), old_partition(200, None)
    hold = retention.place_hold(actor_of(admin), subject_id=alice.id, matter="2026/4")

    assert [each.name for each in pruning.drop_expired()] == [about_nobody]

    retention.release_hold(actor_of(admin), hold.id)
    assert [each.name for each in pruning.drop_expired()] == [about_her]


def old_partition(days, person):
    then = timezone.now() - timedelta(days=days)
    partitions.ensure_partitions(since=then.date(), months_ahead=0)
    make_event(at=then, subject_id=person.id if person else None)
    sealer.seal_pending()
    return f"event_access_{then:%Y_%m}"
