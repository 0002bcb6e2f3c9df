"""Acknowledging, resolving and noting: what moves are legal, and what they leave."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog.constants import MAX_NOTE
from auditlog.incident_data import (
    count_expired_incidents,
    expire_incidents,
    export_entries,
    export_incidents,
)
from auditlog.models import Alert, Event, Incident, IncidentEntry
from auditlog.notes import open_note
from auditlog.services import incidents
from auditlog.tests.factories import Somebody, destroy_key, make_actor
from auditlog.tests.incidents.factories import make_incident
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Conflict, DomainError, Invalid, NotFound

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def person() -> Somebody:
    return Somebody()


@pytest.fixture
def incident(person: Somebody) -> Incident:
    return make_incident(person.id)


def in_state(state: str) -> Incident:
    incident = make_incident()
    if state != "open":
        incidents.acknowledge(make_actor(), incident.id)
    if state == "resolved":
        incidents.resolve(make_actor(), incident.id, verdict="benign")
    return incident


@pytest.mark.parametrize(
    ("state", "move", "is_legal"),
    [
        ("open", "acknowledge", True),
        ("open", "resolve", True),
        ("open", "note", True),
        ("acknowledged", "acknowledge", False),
        ("acknowledged", "resolve", True),
        ("acknowledged", "note", True),
        ("resolved", "acknowledge", False),
        ("resolved", "resolve", False),
        ("resolved", "note", True),
    ],
)
def test_moves(state: str, move: str, *, is_legal: bool) -> None:
    actor, incident = make_actor(), in_state(state)
    before = incident.entries.count()
    moves = {
        "acknowledge": lambda: incidents.acknowledge(actor, incident.id),
        "resolve": lambda: incidents.resolve(actor, incident.id, verdict="benign"),
        "note": lambda: incidents.add_note(actor, incident.id, text="seen"),
    }

    if is_legal:
        moves[move]()
    else:
        with pytest.raises(Conflict) as refused:
            moves[move]()
        assert refused.value.extra["state"] == state

    assert incident.entries.count() == before + is_legal


def test_acknowledging_says_who_and_when(incident: Incident) -> None:
    alice = make_actor()

    incidents.acknowledge(alice, incident.id)

    incident.refresh_from_db()
    assert alice.id is not None
    assert incident.acknowledged_by == subject_keys().pseudonym(alice.id)
    assert incident.acknowledged_at is not None
    assert Alert.objects.get().state == "acknowledged"
    event = Event.objects.get(event_type="auditlog.incident_acknowledged")
    assert event.actor_pseudonym == incident.acknowledged_by


def test_resolving_what_nobody_acknowledged_acknowledges_it(
    incident: Incident,
) -> None:
    incidents.resolve(make_actor(), incident.id, verdict="false_positive", note="ok")

    incident.refresh_from_db()
    assert incident.verdict == "false_positive"
    assert incident.acknowledged_at == incident.resolved_at
    assert incident.acknowledged_by == incident.resolved_by
    assert Alert.objects.get().state == "resolved"
    assert incident.entries.get(kind="resolved").facts == {"verdict": "false_positive"}
    assert Event.objects.filter(event_type="auditlog.incident_resolved").count() == 1


@pytest.mark.parametrize(
    ("verdict", "note"),
    [("", "x"), ("maybe", "x"), ("benign", "a" * (MAX_NOTE + 1)), ("benign", "\x00")],
)
def test_it_refuses_unknown_verdicts_and_impossible_notes(
    incident: Incident, verdict: str, note: str
) -> None:
    with pytest.raises(Invalid):
        incidents.resolve(make_actor(), incident.id, verdict=verdict, note=note)

    incident.refresh_from_db()
    assert incident.state == "open"


@pytest.mark.parametrize("verdict", ["false_positive", "benign"])
def test_nobody_clears_himself(
    person: Somebody, incident: Incident, verdict: str
) -> None:
    with pytest.raises(Conflict) as refusal:
        incidents.resolve(make_actor(person), incident.id, verdict=verdict)

    assert refusal.value.code == "own_incident"
    incident.refresh_from_db()
    assert incident.state == "open"

    incidents.resolve(make_actor(person), incident.id, verdict="true_positive")


def test_an_empty_note_is_refused(incident: Incident) -> None:
    with pytest.raises(Invalid):
        incidents.add_note(make_actor(), incident.id, text=" \n ")


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        incidents.acknowledge(make_actor(), uuid7())


def test_without_evidence_nothing_happens(incident: Incident) -> None:
    with connection.cursor() as cursor:
        # Stands before the real one, which the application's role cannot change.
        cursor.execute("CREATE TEMP TABLE auditlog_event (nothing integer)")

    with pytest.raises(DatabaseError), transaction.atomic():
        incidents.acknowledge(make_actor(), incident.id)

    incident.refresh_from_db()
    assert incident.state == "open"


def test_notes_are_sealed_for_the_person_they_are_about(
    person: Somebody, incident: Incident
) -> None:
    entry = incidents.add_note(make_actor(), incident.id, text="Called Jane\r\n twice")

    stored = IncidentEntry.objects.get(pk=entry.pk)
    assert b"Jane" not in bytes(stored.text or b"")
    assert open_note(stored, owner=person.id) == "Called Jane\n twice"
    destroy_key(person.id)
    assert open_note(stored, owner=None) is None


def test_notes_about_nobody_are_sealed_too() -> None:
    person = Somebody()
    incident = make_incident(person.id)
    destroy_key(person.id)

    entry = incidents.add_note(make_actor(), incident.id, text="after all")

    assert b"after" not in bytes(entry.text or b"")
    assert open_note(entry, owner=None) == "after all"


def test_a_note_moved_elsewhere_does_not_open(
    person: Somebody, incident: Incident
) -> None:
    entry = incidents.add_note(make_actor(), incident.id, text="here")
    moved = IncidentEntry(incident=incident, text=entry.text)

    assert open_note(moved, owner=person.id) is None


def test_the_person_gets_resolved_incidents_about_him_only(
    person: Somebody, incident: Incident
) -> None:
    alice = make_actor()
    make_incident()
    incidents.add_note(alice, incident.id, text="Asked jane@example.org about it")
    assert list(export_incidents(person.id)) == []
    assert list(export_entries(person.id)) == []

    incidents.resolve(alice, incident.id, verdict="benign")

    (exported,) = export_incidents(person.id)
    assert (exported["number"], exported["verdict"]) == (incident.number, "benign")
    entries = list(export_entries(person.id))
    assert [entry["kind"] for entry in entries] == ["opened", "note", "resolved"]
    assert entries[1]["about_you"] == "Asked [EMAIL_REDACTED] about it"
    assert {entry["done_by"] for entry in entries} == {"the handlers"}


def test_who_handled_it_gets_that_he_did_and_not_what_he_wrote(
    incident: Incident,
) -> None:
    alice = make_actor()
    incidents.add_note(alice, incident.id, text="something about somebody")

    assert alice.id is not None
    (entry,) = export_entries(alice.id)

    assert (entry["kind"], entry["done_by"]) == ("note", "you")
    assert "about_you" not in entry


def test_incidents_go_two_years_after_their_end_unless_held() -> None:
    now, held, free = timezone.now(), Somebody(), Somebody()
    for about in (held, free):
        incidents.resolve(
            make_actor(), make_incident(about.id).id, verdict="true_positive"
        )
    unresolved = make_incident()
    after = now + DAY

    assert count_expired_incidents(now - DAY, frozenset()) == 0
    assert count_expired_incidents(after, frozenset({held.id})) == 1
    assert expire_incidents(after, frozenset({held.id})) == 1

    left = set(Incident.objects.values_list("actor_pseudonym", flat=True))
    assert left == {subject_keys().pseudonym(held.id), unresolved.actor_pseudonym}
    assert Alert.objects.count() == 2
    assert set(IncidentEntry.objects.values_list("incident", flat=True)) == set(
        Incident.objects.values_list("pk", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_of_two_who_acknowledge_at_once_one_is_told() -> None:
    incident = make_incident()
    barrier = Barrier(4)
    outcomes: list[str] = []

    def acknowledge(incident_id: UUID) -> None:
        actor = make_actor()
        barrier.wait()
        try:
            incidents.acknowledge(actor, incident_id)
            outcomes.append("done")
        except DomainError as refusal:
            outcomes.append(refusal.code)
        finally:
            connections.close_all()

    threads = [Thread(target=acknowledge, args=(incident.id,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["done", *["incident_state"] * 3]
    assert incident.entries.filter(kind="acknowledged").count() == 1
