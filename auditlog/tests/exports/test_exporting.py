from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from auditlog.models import Event, ExportPlace
from auditlog.selectors import read_events
from auditlog.services import export_places, exporting
from auditlog.services.export_places import AT_ONCE, LEASE, PlaceLost, take_place
from auditlog.tests.factories import make_actor, make_event
from chatsec.core.errors import TooMany

pytestmark = pytest.mark.django_db
EXPORT = "/api/v1/audit/events/export"
Api = Callable[..., Any]


def body_of(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def marks() -> list[tuple[str, str, int | None]]:
    """Return what exports left in the log: type, outcome and how many."""
    rows = Event.objects.filter(event_type__startswith="auditlog.export_")
    found = rows.order_by("event_id")
    return list(found.values_list("event_type", "outcome", "result_count"))


def test_only_auditors_export(api: Api, charlie: Any) -> None:
    assert api().get(EXPORT).status_code == 401
    assert api(charlie).get(EXPORT).status_code == 403
    assert marks() == []


def test_every_event_is_in_it_once_newest_first(
    api: Api, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 3)
    actor, now = make_actor(), timezone.now()
    made = [
        make_event(actor=actor, at=now - timedelta(minutes=n % 4)) for n in range(11)
    ]

    text = body_of(api(admin).get(EXPORT, {"type": "chatbot_query"}))

    ids = [json.loads(line)["id"] for line in text.splitlines()]
    order = sorted(made, key=lambda e: (e.occurred_at, e.event_id), reverse=True)
    assert ids == [str(event.event_id) for event in order]
    assert marks() == [
        ("auditlog.export_started", "success", None),
        ("auditlog.export_ended", "success", 11),
    ]


def test_it_breaks_off_once_its_session_is_gone(
    api: Api, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    for _ in range(5):
        make_event()
    stream = api(admin).get(EXPORT, {"type": "chatbot_query"}).streaming_content
    first = next(stream)
    api(admin).delete("/api/v1/auth/sessions")

    with pytest.raises(exporting.ExportNotAllowed):
        next(stream)

    assert first.count(b"\n") == 2
    assert marks()[-1] == ("auditlog.export_ended", "denied", 2)


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("jsonl", "application/x-ndjson"),
        ("csv", "text/csv; charset=utf-8"),
        ("ocsf", "application/x-ndjson"),
    ],
)
def test_names_and_details_leave_only_when_asked_for(
    api: Api, admin: Any, alice: Any, kind: str, media_type: str
) -> None:
    make_event(actor=make_actor(alice), details={"intent": "own_data"})
    asked = {"type": "chatbot_query", "format": kind}

    clear = api(admin).get(EXPORT, asked)
    opened = api(admin).get(EXPORT, {**asked, "contents": "opened"})

    assert clear["Content-Type"] == media_type
    assert "attachment" in clear["Content-Disposition"]
    plain = body_of(clear)
    assert b"alice" not in plain
    assert b"own_data" not in plain
    full = body_of(opened)
    assert b"alice" in full
    assert b"own_data" in full


def test_csv_has_a_header_and_ocsf_the_schemas_version(api: Api, admin: Any) -> None:
    event = make_event(actor=make_actor())
    asked = {"type": "chatbot_query"}

    table = body_of(api(admin).get(EXPORT, {**asked, "format": "csv"})).decode()
    schema = body_of(api(admin).get(EXPORT, {**asked, "format": "ocsf"}))

    (row,) = csv.DictReader(io.StringIO(table, newline=""))
    assert row["id"] == str(event.event_id)
    assert json.loads(schema)["metadata"]["version"] == "1.8.0"


def test_nothing_found_is_an_empty_file(api: Api, admin: Any) -> None:
    assert body_of(api(admin).get(EXPORT, {"type": "error"})) == b""
    assert marks()[-1] == ("auditlog.export_ended", "success", 0)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "xml"}, "format"),
        ({"contents": "all"}, "contents"),
        ({"outcome": "maybe"}, "outcome"),
    ],
)
def test_bad_words_are_named(
    api: Api, admin: Any, query: dict[str, str], field: str
) -> None:
    answer = api(admin).get(EXPORT, query)

    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert marks() == []


def test_too_much_is_refused_before_it_begins(
    api: Api, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_EVENTS", 2)
    for _ in range(3):
        make_event()

    answer = api(admin).get(EXPORT, {"type": "chatbot_query"})

    assert answer.status_code == 400
    assert answer.json()["code"] == "export_too_large"
    assert marks() == []


def test_who_leaves_early_is_on_record(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    for _ in range(5):
        make_event()
    export = exporting.start_export({"type": "chatbot_query"})

    next(export)
    export.close()
    export.close()

    assert marks()[-1] == ("auditlog.export_ended", "failure", 0)
    assert len(marks()) == 2


def test_a_stream_that_is_never_read_gives_its_place_back() -> None:
    for _ in range(AT_ONCE + 2):
        exporting.start_export({"type": "error"}).close()


def test_so_many_at_once_and_no_more() -> None:
    running = [exporting.start_export({}) for _ in range(AT_ONCE)]

    with pytest.raises(TooMany):
        exporting.start_export({})

    for export in running:
        export.close()
    exporting.start_export({}).close()


def test_an_export_that_nobody_closed_loses_its_place_in_time() -> None:
    now = timezone.now()
    for _ in range(AT_ONCE):
        exporting.start_export({})

    with pytest.raises(TooMany):
        take_place(now=now)

    take_place(now=now + LEASE * 2)
    assert ExportPlace.objects.count() == 1


def test_a_place_is_kept_while_parts_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 1)
    monkeypatch.setattr(export_places, "RENEW_SECONDS", 0)
    for _ in range(2):
        make_event()
    export = exporting.start_export({"type": "chatbot_query"})
    ExportPlace.objects.update(leased_until=timezone.now())

    next(export)

    assert ExportPlace.objects.get().leased_until > timezone.now() + LEASE / 2
    export.close()


def test_an_export_whose_place_is_somebody_elses_breaks_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 1)
    monkeypatch.setattr(export_places, "RENEW_SECONDS", 0)
    for _ in range(2):
        make_event()
    export = exporting.start_export({"type": "chatbot_query"})
    next(export)
    ExportPlace.objects.all().delete()

    with pytest.raises(PlaceLost):
        next(export)

    assert marks()[-1][:2] == ("auditlog.export_ended", "error")


@pytest.mark.django_db(transaction=True)
def test_no_two_take_the_last_place_at_once() -> None:
    gate = Barrier(AT_ONCE * 2)

    def take() -> bool:
        try:
            gate.wait(timeout=30)
            take_place(now=timezone.now())
        except TooMany:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(AT_ONCE * 2) as pool:
        tries = [pool.submit(take) for _ in range(AT_ONCE * 2)]

    assert sum(one.result() for one in tries) == AT_ONCE


def test_asking_for_the_headers_alone_takes_nothing_out(
    api: Api, browser: Any, admin: Any
) -> None:
    for answer in (
        api(admin).head(EXPORT, {"format": "csv"}),
        browser(admin).head("/admin/audit/export?format=csv"),
    ):
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.content == b""
    assert marks() == []
    assert not ExportPlace.objects.exists()


def test_an_export_that_takes_too_long_breaks_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 1)
    monkeypatch.setattr(exporting, "MOST_SECONDS", -1)
    for _ in range(2):
        make_event()
    export = exporting.start_export({"type": "chatbot_query"})

    with pytest.raises(exporting.ExportTooSlow):
        list(export)

    assert marks()[-1][:2] == ("auditlog.export_ended", "error")


def test_its_own_events_are_not_in_it(api: Api, admin: Any) -> None:
    assert body_of(api(admin).get(EXPORT, {"type": "auditlog.export_started"})) == b""


def test_what_was_asked_is_on_record_by_pseudonym(
    api: Api, admin: Any, alice: Any
) -> None:
    body_of(api(admin).get(EXPORT, {"actor": "alice", "contents": "opened"}))

    started = Event.objects.get(event_type="auditlog.export_started")
    (read,) = read_events([started])
    assert read.details["contents"] == "opened"
    assert "alice" not in json.dumps(read.details)
    assert read.actor_name == "admin"


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_not_one_byte_leaves_without_its_event(api: Api, admin: Any) -> None:
    make_event()
    client = api(admin)
    year = f"audit_parts.event_audit_{timezone.now().year}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE audit_parts.event_audit DETACH PARTITION {year}")

    answer = client.get(EXPORT)

    assert answer.status_code == 503
    assert answer.json()["code"] == "audit_partition_missing"


def test_the_page_goes_back_and_says_why_not(browser: Any, admin: Any) -> None:
    client = browser(admin)

    refused = client.get("/admin/audit/export?type=error&format=xml", follow=True)
    given = client.get("/admin/audit/export?type=error&format=csv")

    assert refused.redirect_chain[0][0] == "/admin/audit/search?type=error"
    assert "Some fields are not valid." in refused.content.decode()
    assert body_of(given).startswith(b'"id","timestamp"')
