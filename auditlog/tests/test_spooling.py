"""While the database is away evidence waits on disk; afterwards it is there once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import (
    InternalError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.utils import timezone

from auditlog import events, selectors, tasks
from auditlog.errors import SpoolFull
from auditlog.models import Event
from auditlog.registry import event_types
from auditlog.services import Target, record, record_error, record_refusal, sealer
from auditlog.services.keeping import keep_on_disk, packed, unpacked
from auditlog.services.replaying import Replayed, replay_spool, retry_dead
from auditlog.services.rows import Draft, draft_event
from auditlog.services.verification import Fault, verify_log
from auditlog.spool import audit_spool
from auditlog.tests.factories import destroy_key, forget_cached_keys, make_actor
from chatsec.core import context, metrics
from chatsec.core.context import RequestContext

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(transaction=True, databases=DATABASES)
Away = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_spool(settings: Any, tmp_path: Path) -> None:
    settings.CHATSEC_SPOOL_DIR = tmp_path / "spool"


@contextmanager
def nobody_let_in() -> Iterator[None]:
    known = connections["default"].settings_dict
    right = known["PASSWORD"]
    known["PASSWORD"] = "not-the-password"
    try:
        yield
    finally:
        known["PASSWORD"] = right


@pytest.fixture
def away() -> Away:
    """Do something while nobody is let into the database."""

    def without(work: Callable[..., Any], *values: Any, **named: Any) -> Any:
        connection.close()
        try:
            with nobody_let_in():
                return work(*values, **named)
        finally:
            connection.close()

    return without


def found(event_id: UUID) -> Any:
    return selectors.read_events([Event.objects.get(event_id=event_id)])[0]


def draft(**changes: Any) -> Draft:
    made = draft_event(events.CHATBOT_QUERY, {}, occurred_at=timezone.now())
    return made._replace(**changes)


def test_an_event_waits_and_is_written_as_it_would_have_been(away: Away) -> None:
    actor, person = make_actor(), make_actor().id
    target = Target("accounts.User", person or "", label="jane.smith")

    with context.bound(RequestContext(request_id="r-12345678", ip="192.0.2.7")):
        here = Event.objects.get(event_id=record(events.CHATBOT_QUERY, actor=actor))
        event_id = away(
            record,
            events.CHATBOT_QUERY,
            actor=actor,
            target=target,
            subject_id=person,
            details={"intent": "sales_summary", "note": "mail jane@example.org"},
            subject_details={"email": "jane@example.org"},
            result_count=3,
        )
    assert not Event.objects.filter(event_id=event_id).exists()
    assert selectors.spooled_records() == 1

    assert tasks.replay_spool() == 1

    read = found(event_id)
    assert read.details == {"intent": "sales_summary", "note": "mail [EMAIL_REDACTED]"}
    assert read.subject_details["email"] == "jane@example.org"
    assert read.event.actor_pseudonym == here.actor_pseudonym
    assert read.event.resource_id == str(read.event.subject_pseudonym)
    assert read.event.network_hash == here.network_hash is not None
    assert read.event.request_id == "r-12345678"
    assert selectors.spooled_records() == 0
    assert verify_log().is_clean


def test_a_replay_leaves_an_event_of_its_own(away: Away) -> None:
    away(record, events.CHATBOT_QUERY)
    away(record, events.CHATBOT_QUERY)

    assert replay_spool() == Replayed(written=2)
    assert replay_spool() == Replayed()

    said = Event.objects.get(event_type="auditlog.spool_replayed")
    assert said.result_count == 2
    assert {event.xid for event in Event.objects.all()} == {said.xid}


def test_it_waits_without_a_name_on_the_disk(away: Away, settings: Any) -> None:
    actor = make_actor()
    away(record, events.CHATBOT_QUERY, actor=actor, details={"intent": "sales_x"})

    (file,) = settings.CHATSEC_SPOOL_DIR.glob("*.spool")
    content = file.read_bytes()

    for secret in (str(actor.id), "sales_x", "chatbot_query"):
        assert secret.encode() not in content


def test_what_must_not_happen_unseen_fails_with_the_database(away: Away) -> None:
    must_be_seen = [each for each in event_types().values() if each.fail_closed]

    for event_type in must_be_seen:
        for write in (record, record_refusal):
            with pytest.raises(OperationalError):
                away(write, event_type)

    assert len(must_be_seen) > 20
    assert selectors.spooled_records() == 0


def test_in_a_transaction_the_transaction_fails(away: Away) -> None:
    def change_and_prove() -> None:
        with transaction.atomic():
            record(events.CHATBOT_QUERY)

    with pytest.raises(OperationalError):
        away(change_and_prove)

    assert selectors.spooled_records() == 0


def test_refusals_and_errors_wait_even_from_within_a_transaction() -> None:
    with transaction.atomic(), nobody_let_in():
        record_refusal(events.AUTHORIZATION_DENIED, outcome="denied")
        record_error(ZeroDivisionError("division by zero"))

    assert replay_spool().written == 2


def test_an_event_that_was_written_before_is_not_written_again() -> None:
    one = draft()
    for _ in range(3):
        keep_on_disk(one)

    assert replay_spool() == Replayed(written=1, known=2)
    keep_on_disk(one)
    assert replay_spool() == Replayed(known=1)

    assert Event.objects.filter(event_id=one.event_id).count() == 1


def test_what_waits_stays_until_the_database_takes_it(away: Away) -> None:
    keep_on_disk(draft())

    with pytest.raises(OperationalError):
        away(replay_spool)
    with pytest.raises(CommandError):
        away(call_command, "audit_spool", "--replay")

    assert replay_spool().written == 1


def test_who_was_erased_meanwhile_is_erased_from_it(away: Away) -> None:
    actor = make_actor()
    record(events.CHATBOT_QUERY, actor=actor)
    event_id = away(record, events.CHATBOT_QUERY, actor=actor, details={"intent": "x"})
    destroy_key(actor.id)
    forget_cached_keys()

    replay_spool()

    assert found(event_id).event.details is None


def test_what_cannot_be_written_is_put_aside_and_can_be_tried_again() -> None:
    far = timezone.now() + timedelta(days=5 * 366)
    good = draft()
    keep_on_disk(draft(occurred_at=far))
    keep_on_disk(good)
    audit_spool().append(b"not a draft")

    assert replay_spool() == Replayed(written=1, put_aside=2)
    assert selectors.dead_records() == 2
    assert retry_dead() == Replayed(put_aside=2)
    assert selectors.dead_records() == 2

    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT audit_ensure_partitions(%s, 1)", [far.date()])
    assert retry_dead() == Replayed(written=1, put_aside=1)


@pytest.mark.parametrize("limit", ["lock_timeout", "statement_timeout"])
def test_what_another_try_may_write_is_not_put_aside(limit: str) -> None:
    keep_on_disk(draft())

    with transaction.atomic(using="owner"), connections["owner"].cursor() as owner:
        owner.execute("LOCK TABLE auditlog_event")
        with connection.cursor() as cursor:
            cursor.execute(f"SET {limit} = '100ms'")
        with pytest.raises(OperationalError):
            replay_spool()
    connection.close()

    assert selectors.dead_records() == 0
    assert replay_spool() == Replayed(written=1)


def test_what_a_server_that_only_reads_refuses_is_not_put_aside() -> None:
    keep_on_disk(draft())

    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    with pytest.raises(InternalError):
        replay_spool()
    connection.close()

    assert selectors.dead_records() == 0
    assert replay_spool() == Replayed(written=1)


def test_damage_is_put_aside(settings: Any) -> None:
    keep_on_disk(draft())
    keep_on_disk(draft())
    (file,) = settings.CHATSEC_SPOOL_DIR.glob("*.spool")
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(bytes(content) + b"CSA1")

    assert replay_spool() == Replayed(written=1, put_aside=1)


def test_a_full_spool_refuses(away: Away, settings: Any) -> None:
    settings.CHATSEC_SPOOL_MAX_BYTES = 100

    with pytest.raises(SpoolFull):
        away(record, events.CHATBOT_QUERY)


def test_a_disk_that_takes_nothing_refuses(
    away: Away, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text("not a directory")

    with pytest.raises(SpoolFull):
        away(record, events.CHATBOT_QUERY)


@pytest.mark.parametrize("days", [2, 20])
def test_verification_knows_that_it_waited(days: int) -> None:
    keep_on_disk(draft(occurred_at=timezone.now() - timedelta(days=days)))
    replay_spool()
    sealer.seal_pending()

    assert verify_log().is_clean


def test_an_old_event_that_nobody_spooled_is_still_named() -> None:
    from auditlog.tests.factories import make_event

    # What came before the sealer's first work may be of any age.
    make_event()
    sealer.seal_pending()
    event = make_event(at=timezone.now() - timedelta(days=2))
    sealer.seal_pending()

    assert [(each.fault, each.event_id) for each in verify_log().findings] == [
        (Fault.CLOCK, event.event_id)
    ]


def test_a_draft_comes_back_as_it_was() -> None:
    with context.bound(RequestContext(ip="2001:db8::1", user_agent="Firefox/1")):
        one = draft(actor_id=UUID(int=5), result_count=7, details="{}", country="IS")

    assert unpacked(packed(one)) == one


def test_metrics_tell_how_many_wait() -> None:
    keep_on_disk(draft())

    text = metrics.exposition().decode()

    assert "chatsec_audit_spool_records 1.0" in text
    assert "chatsec_audit_spool_dead 0.0" in text


def test_the_command_tells_and_writes(capsys: Any) -> None:
    keep_on_disk(draft())

    call_command("audit_spool", "--replay")

    said = capsys.readouterr().out
    assert "1 written, 0 were known, 0 put aside." in said
    assert "0 events wait, 0 were put aside." in said
