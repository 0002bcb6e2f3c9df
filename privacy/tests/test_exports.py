"""Exports: complete, sealed, resumable, made once, fetched by their owner only."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tracemalloc
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.race import race
from chatsec.core import personal_data
from chatsec.core.errors import NotFound
from privacy import tasks
from privacy.constants import PARTS
from privacy.errors import ExportGone, ExportNotReady
from privacy.export import storage
from privacy.models import (
    ExportArtifact,
    RequestTask,
)
from privacy.services import consent, downloads, exports, keys
from privacy.tests.factories import actor_of, declared, finished_export, open_export

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
