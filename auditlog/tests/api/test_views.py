from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import events
from auditlog.models import Event
from auditlog.rules.floor import DENIALS_IN_1_HOUR, DENIALS_IN_5_MINUTES
from auditlog.services import Target, detection
from auditlog.tests.factories import (
    forget_cached_keys,
    make_actor,
    make_denials,
    make_event,
)
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
EVENTS, ALERTS = "/api/v1/audit/events", "/api/v1/audit/alerts"
Api = Callable[..., Any]


@pytest.mark.parametrize(
    "path", [EVENTS, ALERTS, f"{EVENTS}/{UUID(int=1)}", f"{EVENTS}/counts"]
)
def test_only_auditors_read(api: Api, charlie: Any, path: str) -> None:
    assert api().get(path).status_code == 401
    assert api(charlie).get(path).status_code == 403


def test_a_stranger_cannot_tell_whether_an_event_exists(api: Api, charlie: Any) -> None:
    event = make_event(actor=make_actor(charlie))

    there = api(charlie).get(f"{EVENTS}/{event.event_id}")
    not_there = api(charlie).get(f"{EVENTS}/{uuid7()}")

    assert there.status_code == not_there.status_code == 403


def test_nobody_writes(api: Api, admin: Any) -> None:
    event = make_event()
    client = api(admin)

    for method in ("post", "put", "patch", "delete"):
        for path in (EVENTS, f"{EVENTS}/{event.event_id}", ALERTS):
            assert getattr(client, method)(path, {}).status_code == 405


def test_a_row_has_the_chapters_shape_and_the_name(
    api: Api, admin: Any, alice: Any
) -> None:
    event = make_event(
        events.AUTHORIZATION_DENIED,
        actor=make_actor(alice),
        outcome="denied",
        details={"required_permission": "read_financial", "reason": "no role"},
    )

    answer = api(admin).get(EVENTS, {"type": "authorization_denied"})

    (row,) = answer.json()["results"]
    assert row["id"] == str(event.event_id)
    assert row["event_type"] == "authorization_denied"
    assert row["user_id"] == str(subject_keys().pseudonym(alice.id))
    assert row["required_permission"] == "read_financial"
    assert row["result"] == "denied"
    assert row["actor_name"] == "alice"
    assert str(alice.id) not in answer.content.decode()


def test_it_filters_by_actor_given_by_name_id_or_pseudonym(
    api: Api, admin: Any, alice: Any, bob: Any
) -> None:
    mine = make_event(actor=make_actor(alice))
    make_event(actor=make_actor(bob))
    pseudonym = subject_keys().pseudonym(alice.id)

    for who in ("alice", "ALICE", str(alice.id), str(pseudonym)):
        answer = api(admin).get(EVENTS, {"actor": who, "type": "chatbot_query"})
        found = [row["id"] for row in answer.json()["results"]]
        assert found == [str(mine.event_id)]


def test_it_filters_by_everything_else(api: Api, admin: Any) -> None:
    now = timezone.now()
    wanted = make_event(
        events.DATA_ACCESS,
        at=now - timedelta(minutes=5),
        outcome="denied",
        target=Target("sales_records", 7),
    )
    make_event(events.DATA_ACCESS, target=Target("sales_records", 8))

    for query in (
        {"type": "data_access", "outcome": "denied"},
        {"category": "data_access", "resource": "sales_records:7"},
        {
            "resource": "sales_records",
            "until": (now - timedelta(minutes=1)).isoformat(),
        },
        {
            "type": "data_access",
            "since": (now - timedelta(minutes=6)).isoformat(),
            "until": (now - timedelta(minutes=4)).isoformat(),
        },
    ):
        rows = api(admin).get(EVENTS, query).json()["results"]
        assert [row["id"] for row in rows] == [str(wanted.event_id)], query


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("offset", ["+23:59", "-23:59"])
def test_any_offset_that_is_one_is_taken(
    api: Api, admin: Any, name: str, offset: str
) -> None:
    asked = {name: f"2026-01-31T13:00:00{offset}"}

    assert api(admin).get(EVENTS, asked).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("actor=nobody-of-that-name", "actor"),
        ("actor=%00", "actor"),
        ("actor=" + "a" * 201, "actor"),
        ("type=gossip", "type"),
        ("outcome=maybe", "outcome"),
        ("category=misc", "category"),
        ("since=yesterday", "since"),
        ("until=2026-13-45", "until"),
        ("since=2026-02-01&until=2026-01-01", "until"),
        ("request_id=%00", "request_id"),
        ("severity=bad", "severity"),
        ("channel=fax", "channel"),
        ("period=eon", "period"),
        ("country=Spain", "country"),
        ("same_session=x", "same_session"),
        (f"same_network={UUID(int=7)}", "same_network"),
        ("since=0001-01-01", "since"),
        ("until=9999-12-31T23:59:59-14:00", "until"),
        ("cursor=AAAA", "cursor"),
        ("resource=" + "x" * 201, "resource"),
        ("cursor=" + quote(b64encode(b"p=not-a-uuid").decode()), "cursor"),
    ],
)
def test_bad_values_are_named(api: Api, admin: Any, query: str, field: str) -> None:
    answer = api(admin).get(f"{EVENTS}?{query}")

    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/problem+json")
    assert field in answer.json()["errors"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (EVENTS, "actr=bob", "actr"),
        (EVENTS, "outcome=denied&outcome=success", "outcome"),
        (f"{EVENTS}/counts", "cursor=AAAA", "cursor"),
        (f"{EVENTS}/export", "outcom=denied", "outcom"),
        (f"{EVENTS}/export", "format=csv&format=ocsf", "format"),
        ("/api/v1/audit/tail", "actr=bob", "actr"),
        ("/api/v1/audit/incidents", "sate=open", "sate"),
        (ALERTS, "severity=error", "severity"),
    ],
)
def test_a_word_that_is_no_filter_is_refused_and_not_passed_over(
    api: Api, admin: Any, path: str, query: str, field: str
) -> None:
    answer = api(admin).get(f"{path}?{query}", HTTP_ACCEPT="text/event-stream, */*")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_counts_are_given_over_time(api: Api, admin: Any) -> None:
    for outcome in ("success", "denied", "denied"):
        make_event(events.DATA_ACCESS, outcome=outcome)

    body = api(admin).get(f"{EVENTS}/counts", {"type": "data_access", "period": "hour"})

    counts = body.json()
    assert counts["total"] == 3
    assert counts["step_seconds"] == 60
    assert sum(bucket["denied"] for bucket in counts["buckets"]) == 2
    assert Event.objects.filter(event_type="auditlog.events_counted").count() == 1


def test_pages_follow_the_cursor(api: Api, admin: Any) -> None:
    made = [str(make_event(events.ERROR).event_id) for _ in range(5)]
    client, seen = api(admin), []
    url: str | None = f"{EVENTS}?type=error&page_size=2"

    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]

    assert seen == made[::-1]


def test_reading_is_an_event(api: Api, admin: Any) -> None:
    event = make_event()

    api(admin).get(EVENTS, {"type": "error"})
    api(admin).get(f"{EVENTS}/{event.event_id}")
    api(admin).get(ALERTS)

    pseudonym = subject_keys().pseudonym(admin.id)
    read = Event.objects.filter(actor_pseudonym=pseudonym, category="audit")
    assert list(read.order_by("event_id").values_list("event_type", flat=True)) == [
        "auditlog.events_read",
        "auditlog.event_read",
        "auditlog.alerts_read",
    ]
    assert read.get(event_type="auditlog.event_read").resource_id == str(event.event_id)


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_no_answer_without_its_event(api: Api, admin: Any) -> None:
    """With the log unable to take the reading, nothing is read."""
    event, client = make_event(), api(admin)
    year = f"audit_parts.event_audit_{timezone.now().year}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE audit_parts.event_audit DETACH PARTITION {year}")

    person = f"/api/v1/audit/people/{subject_keys().pseudonym(admin.id)}"
    for path in (EVENTS, ALERTS, f"{EVENTS}/{event.event_id}", person):
        answer = client.get(path)

        assert answer.status_code == 503
        assert answer.json()["code"] == "audit_partition_missing"
        assert not {"results", "events"} & answer.json().keys()


def test_the_detail_opens_what_still_opens(api: Api, admin: Any, alice: Any) -> None:
    event = make_event(
        actor=make_actor(alice),
        subject_id=alice.id,
        details={"intent": "own_data"},
        subject_details={"email": "alice@example.org"},
    )

    body = api(admin).get(f"{EVENTS}/{event.event_id}").json()

    assert body["details"] == {"intent": "own_data"}
    assert body["subject_details"] == {"email": "alice@example.org"}
    assert body["subject_name"] == "alice"


def test_what_is_not_there_is_404(api: Api, admin: Any) -> None:
    assert api(admin).get(f"{EVENTS}/{uuid7()}").status_code == 404
    assert api(admin).get(f"{EVENTS}/not-a-uuid").status_code == 404


def test_the_query_count_does_not_depend_on_the_rows(api: Api, admin: Any) -> None:
    client = api(admin)
    client.get(EVENTS)

    def queries() -> int:
        forget_cached_keys()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(EVENTS).status_code == 200
        return len(captured)

    make_event(actor=make_actor(), details={"intent": "x"})
    few = queries()
    for _ in range(20):
        make_event(actor=make_actor(), details={"intent": "x"})

    assert queries() == few


def test_alerts_are_listed_with_names(api: Api, admin: Any, bob: Any) -> None:
    now = timezone.now()
    make_denials(make_actor(bob), count=4, every=timedelta(seconds=1), until=now)
    detection.run_rules(now=now, rules=[DENIALS_IN_5_MINUTES, DENIALS_IN_1_HOUR])

    (row,) = api(admin).get(ALERTS, {"state": "open"}).json()["results"]

    assert (row["rule"], row["count"], row["actor_name"]) == (
        "denials_in_5_minutes",
        4,
        "bob",
    )
    assert api(admin).get(ALERTS, {"state": "resolved"}).json()["results"] == []
    assert api(admin).get(ALERTS, {"state": "x"}).status_code == 400
