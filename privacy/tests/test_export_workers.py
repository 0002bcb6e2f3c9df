"""Exports are worked on by one at a time, and no killed worker loses one."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest
from django.db import connections
from django.utils import timezone

from accounts.tests.race import race
from auditlog.selectors import list_events
from chatsec.core import crypto
from privacy import selectors, tasks
from privacy.constants import LEASE, MAX_ATTEMPTS
from privacy.export import storage
from privacy.models import (
    ExportArtifact,
    RequestState,
    RequestTask,
    SubjectRequest,
    TaskState,
)
from privacy.services import downloads, exports, keys, leases, requests
from privacy.tests.factories import actor_of, declared, open_export
from privacy.tests.test_exports import fetched, lines

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_the_work_is_done_once_however_often_it_is_delivered(alice):
    request = open_export(alice)
    calls = []

    def rows(_subject):
        calls.append(1)
        yield {"a": 1}

    with declared("test.Rows", rows):
        found = race(6, lambda: exports.fulfil_request(request.id))

    assert sorted(str(each) for each in found) == ["False"] * 5 + ["True"]
    assert len(calls) == 1
    assert exports.fulfil_request(request.id) is False
    assert ExportArtifact.objects.count() == 1


def test_a_failure_is_tried_again_from_where_it_came_to(alice):
    request = open_export(alice)
    done = []

    def first(_subject):
        done.append("first")
        yield {"a": 1}

    def broken(_subject):
        if "fixed" not in done:
            raise OSError("secret text of a row")
        yield {"b": 2}

    with declared("test.A", first), declared("test.B", broken):
        with pytest.raises(OSError, match="secret"):
            exports.fulfil_request(request.id)
        request.refresh_from_db()
        assert request.state == RequestState.RUNNING
        assert request.last_error == "OSError"
        done.append("fixed")

        assert exports.fulfil_request(request.id)
        archive = fetched(alice, request)

    assert done.count("first") == 1
    assert lines(archive, "query_analytics/test.b.ndjson") == [{"b": 2}]


def test_after_too_many_failures_an_administrator_has_it(alice, admin):
    request = open_export(alice)

    def broken(_subject):
        raise OSError
        yield

    with declared("test.Rows", broken):
        for _ in range(MAX_ATTEMPTS):
            with contextlib.suppress(OSError):
                exports.fulfil_request(request.id)

    request.refresh_from_db()
    assert request.state == RequestState.FAILED
    assert request in selectors.list_open_requests()
    assert exports.fulfil_request(request.id) is False

    requests.retry_request(actor_of(admin), request.id)

    assert list_events(event_type="privacy.request_retried").count() == 1
    assert exports.fulfil_request(request.id) is True


def test_a_living_worker_is_left_alone_and_a_dead_one_replaced(alice):
    request = open_export(alice)
    now = timezone.now()
    assert leases.claim_request(request.id, now=now)

    assert exports.fulfil_request(request.id, now=now + LEASE / 2) is False

    assert request in selectors.list_stranded_requests(now + LEASE)
    assert exports.fulfil_request(request.id, now=now + LEASE) is True


def test_a_worker_that_was_taken_for_dead_cannot_go_on(alice):
    request = open_export(alice)
    now = timezone.now()
    slow = leases.claim_request(request.id, now=now)
    assert leases.claim_request(request.id, now=now + LEASE)

    with pytest.raises(leases.LeaseLost):
        leases.renew(slow)


def test_cancelling_stops_the_worker(alice):
    request = open_export(alice)

    def rows(_subject):
        yield {"a": 1}
        requests.cancel_request(actor_of(alice), request.id)

    with declared("test.Rows", rows):
        assert exports.fulfil_request(request.id) is False

    request.refresh_from_db()
    assert request.state == RequestState.CANCELLED
    downloads.remove_expired(timezone.now())
    assert not list(storage.directory().iterdir())


def test_a_key_that_is_destroyed_meanwhile_ends_in_failure_not_in_data(alice):
    request = open_export(alice)
    keys.destroy_key(alice.id)

    with pytest.raises(Exception, match=str(alice.id)):
        exports.fulfil_request(request.id)

    assert not SubjectRequest.objects.filter(state="completed").exists()


def test_a_damaged_part_is_written_again(alice, monkeypatch):
    request = open_export(alice)
    pack = exports.pack

    def damaging(claim, artifact, **more):
        part = next(storage.work_directory(artifact).iterdir())
        part.write_bytes(part.read_bytes()[:-1])
        return pack(claim, artifact, **more)

    monkeypatch.setattr(exports, "pack", damaging)
    with pytest.raises(crypto.DecryptionFailed):
        exports.fulfil_request(request.id)
    monkeypatch.undo()

    assert exports.fulfil_request(request.id) is True


def test_the_sweep_hands_stranded_work_out(alice, monkeypatch):
    request = open_export(alice)
    handed = []
    monkeypatch.setattr(tasks.fulfil_request, "delay", handed.append)

    tasks.sweep_stranded_requests()
    exports.fulfil_request(request.id)
    tasks.sweep_stranded_requests()

    assert handed == [str(request.id)]


def test_the_sweep_gives_up_on_a_request_that_killed_its_workers(alice):
    request = open_export(alice)
    SubjectRequest.objects.filter(id=request.id).update(
        state="running", attempts=MAX_ATTEMPTS, lease_until=timezone.now() - LEASE
    )

    tasks.sweep_stranded_requests()

    request.refresh_from_db()
    assert request.state == RequestState.FAILED


def test_progress_counts_models(alice):
    request = open_export(alice)
    assert selectors.progress_percent(request) == 0
    done, open_ = TaskState.DONE, TaskState.PENDING
    for number, state in enumerate([done, open_, open_, done]):
        RequestTask.objects.create(
            request=request, model=f"m{number}", part="consents", state=state
        )

    assert selectors.progress_percent(request) == 50
    RequestTask.objects.update(state=done)
    assert selectors.progress_percent(request) == 99


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_only_the_model_it_was_at(alice):
    """kill -9 in a process of its own, after three models."""
    request = open_export(alice)
    connections.close_all()
    child = os.fork()
    if child == 0:
        _export_and_die_after(3, request.id)

    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert RequestTask.objects.filter(state=TaskState.DONE).count() == 3
    before = set(RequestTask.objects.filter(state="done").values_list("file_name"))
    later = timezone.now() + LEASE
    assert exports.fulfil_request(request.id, now=later)
    assert before <= set(RequestTask.objects.values_list("file_name"))
    request.refresh_from_db()
    assert fetched(alice, request).testzip() is None


def _export_and_die_after(models: int, request_id) -> None:
    finish, done = exports._finish_task, []

    def finish_and_die(*arguments):
        finish(*arguments)
        done.append(1)
        if len(done) == models:
            os.kill(os.getpid(), signal.SIGKILL)

    exports._finish_task = finish_and_die
    try:
        exports.fulfil_request(request_id)
    finally:
        os._exit(1)
