"""Incidents over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog.models import Event, Incident
from auditlog.services import incidents, log_checks
from auditlog.services.verification import Fault, Finding, Report
from auditlog.tests.factories import forget_cached_keys, make_actor, make_denials
from auditlog.tests.incidents.factories import HOUR, make_incident

pytestmark = pytest.mark.django_db
Api = Callable[..., Any]
LIST = "/api/v1/audit/incidents"


@pytest.fixture
def client(api: Api, admin: Any) -> Any:
    """An administrator's own."""
    return api(admin)


def path(incident: Incident, verb: str = "") -> str:
    return f"{LIST}/{incident.id}" + (f"/{verb}" if verb else "")


def test_an_auditor_reads_incidents_with_names(
    api: Api, auditor: Any, incident: Incident
) -> None:
    (row,) = api(auditor).get(LIST).json()["results"]

    assert (row["id"], row["label"]) == (str(incident.id), incident.label)
    assert (row["actor_name"], row["alerts"]) == ("alice", 1)
    assert row["user_id"] == str(incident.actor_pseudonym)
    assert Event.objects.filter(event_type="auditlog.incidents_read").count() == 1


def test_the_story_is_there_with_the_events_behind_it(
    api: Api, admin: Any, alice: Any
) -> None:
    incident = make_incident(alice.id)
    alert = incident.alerts.get()
    make_denials(make_actor(alice), count=2, every=HOUR, until=alert.last_at)
    incidents.add_note(make_actor(admin), incident.id, text="Asked alice")

    body = api(admin).get(path(incident)).json()

    assert [line["kind"] for line in body["timeline"]] == ["opened", "note"]
    note = body["timeline"][1]
    assert (note["author"], note["text"]) == ("admin", "Asked alice")
    assert [alert["rule"] for alert in body["incident_alerts"]] == [
        "denials_in_5_minutes"
    ]
    # The other denial is an hour before the alert.
    assert [event["event_type"] for event in body["events"]] == ["authorization_denied"]
    assert Event.objects.filter(event_type="auditlog.incident_read").count() == 1


def test_acknowledged_noted_and_resolved(
    api: Api, admin: Any, incident: Incident
) -> None:
    client = api(admin)

    body = client.post(path(incident, "acknowledge")).json()
    assert (body["state"], body["acknowledged_by"]) == ("acknowledged", "admin")
    answer = client.post(path(incident, "notes"), {"text": "seen"})
    assert answer.status_code == 201
    asked = {"verdict": "benign", "note": "a test"}
    body = client.post(path(incident, "resolve"), asked).json()

    assert (body["state"], body["verdict"]) == ("resolved", "benign")
    texts = [line["text"] for line in body["timeline"] if line["text"]]
    assert texts == ["seen", "a test"]


def test_differences_of_the_log_are_explained_by_their_number(
    api: Api, admin: Any
) -> None:
    client = api(admin)
    found = Finding(Fault.CHANGED, 7, uuid7(), state=b"now")
    log_checks.note_differences(Report(findings=[found]), now=timezone.now())
    incident = Incident.objects.get()
    asked = {"verdict": "benign", "note": "a backup", "differences": 2}

    read = client.get(path(incident)).json()
    assert read["differences"] == 1
    assert read["difference_places"] == [f"changed seal 7 event {found.event_id}"]
    answer = client.post(path(incident, "resolve"), asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "incident_grew")
    answer = client.post(path(incident, "resolve"), {**asked, "differences": -1})
    assert answer.status_code == 400
    answer = client.post(path(incident, "resolve"), {**asked, "differences": 1})

    assert (answer.status_code, answer.json()["differences"]) == (200, 0)


@pytest.mark.parametrize("verb", ["acknowledge", "resolve"])
def test_what_is_resolved_is_a_conflict(
    api: Api, admin: Any, incident: Incident, verb: str
) -> None:
    incidents.resolve(make_actor(admin), incident.id, verdict="benign")

    answer = api(admin).post(path(incident, verb), {"verdict": "benign"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "incident_state"
    assert answer.json()["state"] == "resolved"


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("resolve", {}, "verdict"),
        ("resolve", {"verdict": "maybe"}, "verdict"),
        ("resolve", {"verdict": "benign", "note": "x" * 4001}, "note"),
        ("resolve", {"verdict": "benign", "note": ["x"]}, "note"),
        ("notes", {}, "text"),
        ("notes", {"text": "  "}, "text"),
        ("notes", {"text": "x" * 4001}, "text"),
    ],
)
def test_bad_input_is_named(
    client: Any, incident: Incident, verb: str, body: Any, field: str
) -> None:
    answer = client.post(path(incident, verb), body)

    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    incident.refresh_from_db()
    assert incident.state == "open"


@pytest.mark.parametrize(
    "query", ["state=lost", "severity=awful", "cursor=x", "page_size=x"]
)
def test_bad_parameters_are_no_fault(api: Api, admin: Any, query: str) -> None:
    assert api(admin).get(f"{LIST}?{query}").status_code < 500


def test_filters(api: Api, admin: Any) -> None:
    first, second = make_incident(), make_incident()
    incidents.acknowledge(make_actor(), first.id)
    client = api(admin)

    def ids(query: str) -> list[str]:
        rows = client.get(f"{LIST}?{query}").json()["results"]
        return [row["id"] for row in rows]

    assert ids("") == [str(second.id), str(first.id)]
    assert ids("state=acknowledged") == [str(first.id)]
    assert ids("severity=critical&state=open") == [str(second.id)]
    assert ids("severity=info") == []


@pytest.mark.parametrize("verb", ["", "acknowledge", "resolve", "notes"])
def test_a_stranger_gets_nothing(
    api: Api, charlie: Any, incident: Incident, verb: str
) -> None:
    client = api(charlie)
    call = client.post if verb else client.get

    assert call(path(incident, verb), {"verdict": "benign"}).status_code == 403
    assert client.get(LIST).status_code == 403
    assert api().get(LIST).status_code == 401
    incident.refresh_from_db()
    assert incident.state == "open"


@pytest.mark.parametrize("verb", ["acknowledge", "resolve", "notes"])
def test_who_may_only_read_changes_nothing(
    api: Api, auditor: Any, incident: Incident, verb: str
) -> None:
    body = {"verdict": "benign", "text": "x"}

    assert api(auditor).post(path(incident, verb), body).status_code == 403
    assert api(auditor).get(path(incident)).status_code == 200


@pytest.mark.parametrize("verb", ["acknowledge", "resolve", "notes"])
def test_who_may_not_read_is_not_shown_it_by_acting(
    api: Api, allow: Api, charlie: Any, incident: Incident, verb: str
) -> None:
    allow(charlie, "manage_incidents")
    body = {"verdict": "benign", "text": "x"}

    assert api(charlie).post(path(incident, verb), body).status_code == 403
    incident.refresh_from_db()
    assert incident.state == "open"


def test_what_is_not_there_is_404(api: Api, admin: Any) -> None:
    client = api(admin)

    assert client.get(f"{LIST}/{uuid7()}").status_code == 404
    assert client.post(f"{LIST}/{uuid7()}/acknowledge").status_code == 404


def test_pages_follow_a_cursor_at_a_constant_cost(api: Api, admin: Any) -> None:
    client = api(admin)

    def cost() -> int:
        forget_cached_keys()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"{LIST}?page_size=20").status_code == 200
        return len(queries)

    make_incident()
    client.get(LIST)
    few = cost()
    for _ in range(8):
        incidents.acknowledge(make_actor(), make_incident().id)
    assert cost() == few

    first = client.get(f"{LIST}?page_size=4").json()
    second = client.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert len(set(ids)) == 8
    assert ids == sorted(ids, reverse=True)


def test_alerts_lead_to_their_incident(client: Any, incident: Incident) -> None:
    (row,) = client.get("/api/v1/audit/alerts").json()["results"]

    assert row["incident"] == str(incident.pk)
