from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import events, selectors
from auditlog.constants import RETENTION_DAYS
from auditlog.errors import DetailsTooLarge, PartitionMissing
from auditlog.models import Event
from auditlog.registry import EventType
from auditlog.services import Target, record
from auditlog.tests.factories import destroy_key, make_actor, make_event
from chatsec.core import context, crypto
from chatsec.core.context import ANONYMOUS, SYSTEM, RequestContext
from chatsec.core.tests.country_files import country_file, forget_countries

pytestmark = pytest.mark.django_db
EMAIL = "jane.smith@example.org"


def stored_bytes(event: Event) -> bytes:
    """Return everything that the row holds, as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_to_json(e)::text FROM auditlog_event e WHERE event_id = %s",
            [event.event_id],
        )
        row = json.loads(cursor.fetchone()[0])
    sealed = b"".join(bytes.fromhex(row[k][2:]) for k in ("details",) if row[k])
    return json.dumps(row).encode() + sealed


def test_it_writes_one_row_with_one_statement(
    django_assert_num_queries: Any,
) -> None:
    actor = make_actor()
    record(events.CHATBOT_QUERY, actor=actor)  # the key exists and is cached

    with django_assert_num_queries(1):
        record(events.CHATBOT_QUERY, actor=actor, details={"intent": "sales_summary"})


def test_it_takes_the_actor_and_the_request_from_the_context() -> None:
    actor = make_actor()

    with context.bound(RequestContext(request_id="req-1", actor=actor, ip="192.0.2.7")):
        event_id = record(events.CHATBOT_QUERY)

    event = Event.objects.get(event_id=event_id)
    assert event.request_id == "req-1"
    assert event.actor_pseudonym == crypto.subject_keys().pseudonym(actor.id)  # type: ignore[arg-type]
    assert event.ip_hash is not None
    assert b"192.0.2.7" not in stored_bytes(event)


def places_of(request: RequestContext) -> tuple[Any, Any, str | None]:
    with context.bound(request):
        event = make_event()
    return event.network_hash, event.device_hash, event.country


def test_it_knows_the_network_around_the_client() -> None:
    here, beside, elsewhere, nowhere = (
        places_of(RequestContext(ip=ip))[0]
        for ip in ("192.0.2.7", "192.0.2.200", "192.0.3.7", None)
    )

    assert bytes(here) == bytes(beside) != bytes(elsewhere)
    assert len(here) == 16
    assert nowhere is None


def test_it_knows_the_browser_by_its_oldest_mark_else_by_its_kind() -> None:
    firefox, same, edge, marked, shared, unknown = (
        places_of(request)[1]
        for request in (
            RequestContext(user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0"),
            RequestContext(user_agent="Mozilla/5.0 (X11; Linux) Firefox/141.0"),
            RequestContext(user_agent="Mozilla/5.0 (Windows) Chrome/1 Edg/1"),
            RequestContext(user_agent="Firefox/140.0", devices=("one",)),
            RequestContext(user_agent="Firefox/140.0", devices=("two", "one")),
            RequestContext(),
        )
    )

    assert bytes(firefox) == bytes(same)
    assert bytes(marked) == bytes(shared)
    assert len({bytes(each) for each in (firefox, edge, marked)}) == 3
    assert unknown is None


def test_without_a_country_file_countries_are_unknown() -> None:
    assert places_of(RequestContext(ip="192.0.2.7"))[2] == ""


def test_it_notes_the_country(settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "countries.mmdb"
    file.write_bytes(country_file({"192.0.2.0/24": {"country": {"iso_code": "IS"}}}))
    settings.CHATSEC_GEOIP_FILE = str(file)
    forget_countries()

    assert places_of(RequestContext(ip="192.0.2.7"))[2] == "IS"
    assert places_of(RequestContext(ip="198.51.100.7"))[2] == ""


@pytest.fixture(autouse=True)
def _countries_of_this_test() -> Iterator[None]:
    yield
    forget_countries()


@pytest.mark.parametrize(
    ("actor", "kind"), [(ANONYMOUS, "anonymous"), (SYSTEM, "system")]
)
def test_it_seals_for_nobody_under_the_category_key(actor: Any, kind: str) -> None:
    event = make_event(actor=actor, details={"intent": "faq"})

    assert event.actor_kind == kind
    assert event.actor_pseudonym is None
    assert selectors.read_events([event])[0].details == {"intent": "faq"}


def test_it_keeps_no_identifier_in_clear() -> None:
    actor, subject_id = make_actor(), uuid7()

    event = make_event(
        actor=actor,
        target=Target("accounts.User", subject_id, label="jane.smith"),
        subject_id=subject_id,
        subject_details={"email": EMAIL},
        details={"intent": "sales_summary"},
    )

    stored = stored_bytes(event)
    for secret in (actor.id, actor.session_id, subject_id, "jane.smith", EMAIL):
        assert str(secret).encode() not in stored
    assert b"sales_summary" not in stored
    assert event.resource_id == str(crypto.subject_keys().pseudonym(subject_id))


def test_who_acts_on_himself_is_a_pseudonym_in_both_places() -> None:
    actor = make_actor()

    event = make_event(actor=actor, target=Target("accounts.user", str(actor.id)))

    assert event.resource_id == str(event.actor_pseudonym)


def test_it_hashes_a_target_id_that_is_no_identifier() -> None:
    event = make_event(target=Target("mail", EMAIL), actor=make_actor())

    assert event.resource_id.startswith("h:")
    assert EMAIL not in event.resource_id
    assert list(selectors.list_events(resource=f"mail:{EMAIL}")) == [event]


@pytest.mark.parametrize("category", sorted(RETENTION_DAYS))
def test_it_expires_by_category(category: str) -> None:
    event_type = next(
        kind
        for kind in vars(events).values()
        if isinstance(kind, EventType) and kind.category == category
    )

    event = make_event(event_type)

    kept = event.expires_at - event.occurred_at
    assert kept == timedelta(days=RETENTION_DAYS[event.category])  # type: ignore[index]


def test_it_redacts_details_and_counts() -> None:
    event = make_event(
        actor=make_actor(),
        details={
            "note": f"write to {EMAIL} or {EMAIL}",
            "deep": [{"reason": f"asked by {EMAIL}"}],
            "required_permission": "read_sales",
        },
    )

    read = selectors.read_events([event])[0]
    assert EMAIL not in json.dumps(read.details)
    assert read.details["required_permission"] == "read_sales"
    assert set(read.details) == {"note", "deep", "required_permission"}
    assert event.redacted
    assert event.redaction_count == 3


def test_it_redacts_a_machine_field_that_holds_no_identifier() -> None:
    event = make_event(actor=make_actor(), details={"intent": f"mail {EMAIL}"})

    assert EMAIL not in json.dumps(selectors.read_events([event])[0].details)


def test_it_keeps_what_belongs_to_the_subject() -> None:
    subject_id = uuid7()

    event = make_event(
        actor=make_actor(), subject_id=subject_id, subject_details={"email": EMAIL}
    )

    assert selectors.read_events([event])[0].subject_details == {"email": EMAIL}
    assert not event.redacted


def test_erasing_the_subject_leaves_the_evidence_about_the_actor() -> None:
    actor, subject_id = make_actor(), uuid7()
    event = make_event(
        actor=actor,
        subject_id=subject_id,
        details={"action": "update"},
        subject_details={"email": EMAIL},
    )

    destroy_key(subject_id)

    read = selectors.read_events([event])[0]
    assert read.details == {"action": "update"}
    assert read.subject_details == {}


def test_erasing_the_actor_leaves_the_evidence_about_the_subject() -> None:
    actor, subject_id = make_actor(), uuid7()
    event = make_event(
        actor=actor,
        subject_id=subject_id,
        details={"action": "update"},
        subject_details={"email": EMAIL},
    )

    destroy_key(actor.id)

    read = selectors.read_events([event])[0]
    assert read.details == {}
    assert read.subject_details == {"email": EMAIL}


def test_it_still_writes_the_clear_part_for_erased_people() -> None:
    actor, subject_id = make_actor(), uuid7()
    destroy_key(actor.id)
    destroy_key(subject_id)

    event = make_event(
        events.DATA_ACCESS,
        actor=actor,
        subject_id=subject_id,
        details={"action": "read"},
        subject_details={"email": EMAIL},
        result_count=2,
    )

    assert event.result_count == 2
    assert event.details is None
    assert event.subject_details is None


def test_a_sealed_column_does_not_open_on_another_event() -> None:
    actor = make_actor()
    first = make_event(actor=actor, details={"intent": "a"})
    second = make_event(actor=actor, details={"intent": "b"})

    second.details = first.details

    assert selectors.read_events([second])[0].details == {}


def test_it_refuses_an_unregistered_type() -> None:
    with pytest.raises(ValueError, match="not a registered"):
        record(EventType("invented", "audit"))


@pytest.mark.parametrize("column", ["details", "subject_details"])
def test_it_refuses_more_than_16_kilobytes(column: str) -> None:
    largest = {"x": "y" * (16 * 1024 - len('{"x":""}'))}
    record(events.DATA_ACCESS, subject_id=uuid7(), **{column: largest})  # type: ignore[arg-type]

    with pytest.raises(DetailsTooLarge):
        record(
            events.DATA_ACCESS,
            subject_id=uuid7(),
            **{column: {"x": largest["x"] + "y"}},  # type: ignore[arg-type]
        )


def test_it_takes_the_types_that_services_hold() -> None:
    moment, some_id = datetime(2026, 5, 1, tzinfo=UTC), uuid7()

    event = make_event(
        actor=make_actor(),
        details={"at": moment, "id": some_id},  # type: ignore[dict-item]
    )

    details = selectors.read_events([event])[0].details
    assert details == {"at": "2026-05-01T00:00:00Z", "id": str(some_id)}


def test_it_names_the_missing_partition() -> None:
    far = timezone.now() + timedelta(days=5 * 366)

    with pytest.raises(PartitionMissing, match="Run the partition task"):
        make_event(at=far)


def test_a_failing_record_fails_the_transaction_around_it() -> None:
    def change_and_prove() -> None:
        with transaction.atomic():
            record(events.CHATBOT_QUERY)
            record(events.CHATBOT_QUERY, details={"x": "y" * 20_000})

    with pytest.raises(DetailsTooLarge):
        change_and_prove()

    assert not Event.objects.exists()


def test_every_event_knows_its_transaction() -> None:
    event = make_event()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        assert event.xid == cursor.fetchone()[0]
