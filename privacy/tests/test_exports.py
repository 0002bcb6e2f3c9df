"""Exports: complete, sealed, resumable, made once, fetched by their owner only."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import signal
import tracemalloc
import zipfile
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from auditlog.selectors import list_events
from chatsec.core import crypto, personal_data
from chatsec.core.errors import NotFound
from privacy import selectors, tasks
from privacy.constants import LEASE, MAX_ATTEMPTS, PARTS
from privacy.errors import ExportGone, ExportNotReady
from privacy.export import storage
from privacy.models import (
    ExportArtifact,
    RequestState,
    RequestTask,
    SubjectRequest,
    TaskState,
)
from privacy.services import consent, downloads, exports, keys, leases, requests
from privacy.tests.factories import actor_of, declared, finished_export, open_export
from privacy.tests.racing import race

pytestmark = pytest.mark.django_db
EVIL = {"text": "<script>alert(1)</script>", "formula": "=1+1", "n": -3, "none": None}


def fetched(person, request) -> zipfile.ZipFile:
    found = downloads.start_download(actor_of(person), request.id)
    data = b"".join(found.chunks)
    assert len(data) == found.size
    return zipfile.ZipFile(io.BytesIO(data))


def lines(archive: zipfile.ZipFile, path: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in archive.read(path).splitlines()]


def test_the_archive_has_every_declared_model_in_its_part(alice):
    archive = fetched(alice, finished_export(alice))

    assert archive.testzip() is None
    names = set(archive.namelist())
    for each in personal_data.declarations():
        assert f"{each.part}/{each.model.lower()}.ndjson" in names
    assert {"manifest.json", "about.json", "index.html"} <= names


def test_the_manifest_tells_the_truth(alice):
    archive = fetched(alice, finished_export(alice))

    manifest = json.loads(archive.read("manifest.json"))

    assert manifest["schema_version"] == 1
    assert set(manifest["parts"]) == set(PARTS)
    listed = {each["path"]: each for each in manifest["files"]}
    assert set(listed) == set(archive.namelist()) - {"manifest.json"}
    for path, each in listed.items():
        data = archive.read(path)
        assert hashlib.sha256(data).hexdigest() == each["sha256"], path
        assert len(data) == each["bytes"], path
        if path.endswith(".ndjson"):
            assert len(data.splitlines()) == each["rows"], path


def test_every_block_of_article_15_is_there(alice):
    archive = fetched(alice, finished_export(alice))

    about = json.loads(archive.read("about.json"))

    for block in (
        "controller",
        "purposes",
        "categories",
        "recipients",
        "retention",
        "rights",
        "source",
        "automated_decisions",
        "transfers",
        "notice",
    ):
        assert about[block], block
    assert {each["model"] for each in about["categories"]} == {
        each.model for each in personal_data.declarations()
    }


def test_the_person_is_in_it_and_nobody_else(alice, charlie):
    consent.give_consent(actor_of(alice), purpose="improve_service")
    consent.give_consent(actor_of(charlie), purpose="improve_service")

    archive = fetched(alice, finished_export(alice))

    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert alice.email.encode() in everything
    for trace in (charlie.email, charlie.username, str(charlie.id)):
        assert trace.encode() not in everything
    assert len(lines(archive, "consents/privacy.consentevent.ndjson")) == 1


def test_the_page_is_text_and_the_table_has_no_formula(alice):
    with declared("test.Rows", lambda _subject: iter([EVIL])):
        archive = fetched(alice, finished_export(alice))

    page = archive.read("index.html").decode()
    assert "(Legal obligation)" in page  # and not legal_obligation
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    rows = list(
        csv.reader(io.StringIO(archive.read("query_analytics/test.rows.csv").decode()))
    )
    assert rows == [
        ["text", "formula", "n", "none"],
        ["<script>alert(1)</script>", "'=1+1", "-3", ""],
    ]


def test_nested_rows_have_no_table(alice):
    with declared("test.Rows", lambda _subject: iter([{"a": [1]}])):
        archive = fetched(alice, finished_export(alice))

    assert "query_analytics/test.rows.csv" not in archive.namelist()
    assert lines(archive, "query_analytics/test.rows.ndjson") == [{"a": [1]}]


def test_nothing_lies_on_disk_in_clear(alice):
    canary = "canary-4711-on-disk"
    with declared("test.Rows", lambda _subject: iter([{"a": canary}] * 500)):
        request = finished_export(alice)

    files = [path for path in storage.directory().rglob("*") if path.is_file()]
    assert files == [storage.artifact_path(request.artifact)]
    data = files[0].read_bytes()
    assert canary.encode() not in data
    assert b"PK\x03\x04" not in data[:100]
    assert files[0].stat().st_mode & 0o077 == 0
    assert storage.directory().stat().st_mode & 0o077 == 0


def test_portability_leaves_out_what_the_person_did_not_provide(alice):
    archive = fetched(alice, finished_export(alice, kind="portability"))

    names = archive.namelist()
    assert "personal_info/accounts.user.ndjson" in names
    assert "data_processing_log/auditlog.event.ndjson" not in names


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


def test_it_is_not_ready_before_it_is_ready(alice):
    with pytest.raises(ExportNotReady):
        downloads.start_download(actor_of(alice), open_export(alice).id)


def test_a_stranger_finds_nothing(alice, charlie):
    request = finished_export(alice)

    with pytest.raises(NotFound) as refusal:
        downloads.start_download(actor_of(charlie), request.id)

    assert refusal.value.code == "not_found"
    request.artifact.refresh_from_db()
    assert request.artifact.downloads_left == 3


@pytest.mark.django_db(transaction=True)
def test_it_can_be_fetched_three_times(alice):
    request = finished_export(alice)
    actor = actor_of(alice)

    found = race(8, lambda: downloads.start_download(actor, request.id))

    assert sum(isinstance(each, ExportGone) for each in found) == 5
    for each in found:
        if isinstance(each, downloads.Download):
            assert len(b"".join(each.chunks)) == each.size


def test_it_expires_after_three_days(alice):
    request = finished_export(alice)
    expires_at = request.artifact.expires_at
    assert expires_at - request.artifact.ready_at == timedelta(hours=72)

    with pytest.raises(ExportGone):
        downloads.start_download(actor_of(alice), request.id, now=expires_at)

    assert downloads.remove_expired(expires_at) == 1
    assert not list(storage.directory().iterdir())
    assert downloads.remove_expired(expires_at) == 0


def test_it_is_closed_by_the_destruction_of_the_persons_key(alice):
    request = finished_export(alice)

    keys.destroy_key(alice.id)

    with pytest.raises(ExportGone):
        downloads.start_download(actor_of(alice), request.id)


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


def test_the_sweep_deletes_files_past_their_time(alice, monkeypatch):
    monkeypatch.setattr(tasks.fulfil_request, "delay", lambda _id: None)
    request = finished_export(alice)
    ExportArtifact.objects.update(expires_at=timezone.now())

    tasks.sweep_stranded_requests()

    assert not storage.artifact_path(request.artifact).exists()


def test_memory_does_not_grow_with_the_data(alice):
    """40 MB of rows go through in a fraction of that."""
    row_bytes, rows = 2000, 20_000
    request = open_export(alice)

    def generated(_subject):
        for number in range(rows):
            yield {"number": number, "text": "x" * row_bytes}

    with declared("test.Rows", generated):
        tracemalloc.start()
        try:
            exports.fulfil_request(request.id)
            found = downloads.start_download(actor_of(alice), request.id)
            size = sum(len(chunk) for chunk in found.chunks)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert size == found.size
    assert RequestTask.objects.get(model="test.Rows").size > rows * row_bytes
    assert peak < rows * row_bytes / 4
