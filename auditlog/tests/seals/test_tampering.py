"""Whatever is done to sealed evidence behind the application's back is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from auditlog.models import Event, Seal
from auditlog.services import sealer
from auditlog.services.verification import Fault, Report, verify_log
from auditlog.services.verification.rows import EARLIEST, LATEST, _verify_each
from auditlog.services.verification.wholesale import Slack, verify_wholesale
from auditlog.tests.factories import (
    make_actor,
    make_event,
    make_first_version_event,
)
from chatsec.core import context
from chatsec.core.context import RequestContext

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(transaction=True, databases=DATABASES)


@pytest.fixture
def events() -> list[Event]:
    made = []
    for _ in range(3):
        made += [make_event(actor=make_actor(), details={"n": 1}) for _ in range(4)]
        sealer.seal_pending()
    return made


@contextmanager
def as_superuser() -> Iterator[Callable[..., None]]:
    """Do what the owner of the tables can do to them: the triggers are off."""

    def execute(text: str, *values: Any) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute(text, values)

    tables = ["auditlog_event", "auditlog_seal"]
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT relid FROM pg_partition_tree('auditlog_event')")
        parts = [name for (name,) in cursor.fetchall()]
    for table in [*parts, *tables]:
        execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    try:
        yield execute
    finally:
        for table in [*parts, *tables]:
            for guard in ("audit_append_only", "audit_no_truncate"):
                execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard}")


def faults(report: Report) -> set[tuple[Fault, UUID | None]]:
    return {(each.fault, each.event_id) for each in report.findings}


def kinds(report: Report) -> set[Fault]:
    return {each.fault for each in report.findings}


def test_an_untouched_log_is_clean(events: list[Event]) -> None:
    report = verify_log()

    assert report.is_clean, report.findings
    assert report.events == Event.objects.count()


@pytest.mark.parametrize(
    ("column", "value"), [("country", "XX"), ("country", ""), ("device_hash", b"1")]
)
def test_an_old_event_that_got_a_later_column_is_named(
    column: str, value: object
) -> None:
    victim = make_first_version_event().event_id
    sealer.seal_pending()
    assert verify_log().is_clean
    with as_superuser() as execute:
        execute(
            f"UPDATE auditlog_event SET {column} = %s WHERE event_id = %s",
            value,
            victim,
        )

    assert faults(verify_log()) == {(Fault.CHANGED, victim)}


@pytest.mark.parametrize(
    "change",
    ["country = 'XX'", "device_hash = NULL", "network_hash = '\\x00'"],
)
def test_an_event_that_is_moved_elsewhere_is_named(change: str) -> None:
    with context.bound(RequestContext(ip="192.0.2.7", devices=("mark",))):
        victim = make_event().event_id
    sealer.seal_pending()
    with as_superuser() as execute:
        execute(f"UPDATE auditlog_event SET {change} WHERE event_id = %s", victim)

    assert faults(verify_log()) == {(Fault.CHANGED, victim)}


def test_the_quick_look_and_the_thorough_one_agree(events: list[Event]) -> None:
    seals = list(Seal.objects.order_by("number"))
    every, slack = set[str](), Slack(LATEST, EARLIEST)

    quick = verify_wholesale(seals, pruned=every, slack=slack)
    assert quick is not None
    assert quick == _verify_each(seals, gone=every, swept=frozenset())
    assert quick.events == len(events)

    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_event SET xid = xid + 1 WHERE event_id = %s",
            events[-1].event_id,
        )
    assert verify_wholesale(seals, pruned=every, slack=slack) is None


def test_an_edited_event_is_named(events: list[Event]) -> None:
    victim = events[5].event_id
    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_event SET outcome = 'denied' WHERE event_id = %s", victim
        )

    assert faults(verify_log()) == {(Fault.CHANGED, victim)}


def test_a_deleted_event_is_named(events: list[Event]) -> None:
    victim = events[2].event_id
    with as_superuser() as execute:
        execute("DELETE FROM auditlog_event WHERE event_id = %s", victim)

    assert faults(verify_log()) == {(Fault.MISSING, victim)}


def test_a_back_dated_insert_is_named(events: list[Event]) -> None:
    forged = UUID(int=99)
    with as_superuser() as execute:
        execute(
            "INSERT INTO auditlog_event SELECT (json_populate_record(e,"
            " json_build_object('event_id', %s::text))).*"
            " FROM auditlog_event e WHERE event_id = %s",
            str(forged),
            events[0].event_id,
        )

    assert faults(verify_log()) == {(Fault.EXTRA, forged)}


def test_an_insert_before_its_time_is_named_when_it_was_sealed_later(
    events: list[Event],
) -> None:
    late = make_event(at=timezone.now() - timedelta(days=5))
    sealer.seal_pending()

    assert faults(verify_log()) == {(Fault.CLOCK, late.event_id)}


def test_swapped_contents_are_named(events: list[Event]) -> None:
    one, other = events[1], events[9]
    with as_superuser() as execute:
        for event, details in ((one, other.details), (other, one.details)):
            execute(
                "UPDATE auditlog_event SET details = %s WHERE event_id = %s",
                bytes(details or b""),
                event.event_id,
            )

    assert faults(verify_log()) == {
        (Fault.CHANGED, one.event_id),
        (Fault.CHANGED, other.event_id),
    }


def test_reordered_events_are_named(events: list[Event]) -> None:
    one, other = events[0], events[11]
    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_event SET occurred_at = %s WHERE event_id = %s",
            other.occurred_at,
            one.event_id,
        )

    assert faults(verify_log()) == {(Fault.CHANGED, one.event_id)}


def anchored() -> dict[int, str]:
    return {seal.number: bytes(seal.head).hex() for seal in Seal.objects.all()}


def test_a_cut_tail_shows_against_an_anchor_only(events: list[Event]) -> None:
    heads = anchored()
    last = max(heads)
    window = Seal.objects.get(number=last)
    with as_superuser() as execute:
        execute("DELETE FROM auditlog_event WHERE xid >= %s", window.xid_from)
        execute("DELETE FROM auditlog_seal WHERE number = %s", last)

    assert verify_log().is_clean
    assert kinds(verify_log(heads=heads)) == {Fault.NOT_ANCHORED}


def test_a_seal_cut_out_of_the_middle_is_found(events: list[Event]) -> None:
    middle = Seal.objects.filter(kind="events").order_by("number")[1]
    with as_superuser() as execute:
        execute(
            "DELETE FROM auditlog_event WHERE xid >= %s AND xid < %s",
            middle.xid_from,
            middle.xid_below,
        )
        execute("DELETE FROM auditlog_seal WHERE number = %s", middle.number)

    assert Fault.BROKEN_CHAIN in kinds(verify_log())


def test_a_dropped_partition_is_found(events: list[Event]) -> None:
    partition = f"event_access_{timezone.now():%Y_%m}"
    in_it = set(
        Event.objects.filter(category="access").values_list("event_id", flat=True)
    )
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE audit_parts.event_access DETACH PARTITION"
            f" audit_parts.{partition}"
        )

    assert {(Fault.MISSING, each) for each in in_it} == faults(verify_log())


def test_another_key_is_found_by_whoever_keeps_the_first(
    events: list[Event], settings: Settings
) -> None:
    first = Seal.objects.get(number=1).named()["public_key"]
    rewrite_chain(settings, key=b"\x09" * 32, key_id="s1")

    assert verify_log().is_clean
    assert Fault.UNKNOWN_KEY in kinds(verify_log(public_key=first))


def test_a_history_rewritten_with_the_stolen_key_shows_against_an_anchor(
    events: list[Event], settings: Settings
) -> None:
    heads = anchored()
    ((key_id, key),) = settings.CHATSEC_SEAL_KEYS.items()
    with as_superuser() as execute:
        victim = events[4].event_id
        execute("DELETE FROM auditlog_event WHERE event_id = %s", victim)
    rewrite_chain(settings, key=key, key_id=key_id)

    assert verify_log().is_clean
    assert kinds(verify_log(heads=heads)) == {Fault.NOT_ANCHORED}


def rewrite_chain(settings: Settings, *, key: bytes, key_id: str) -> None:
    """Throw all seals away and seal what is left anew."""
    with as_superuser() as execute:
        execute("DELETE FROM auditlog_seal")
    settings.CHATSEC_SEAL_KEYS = {key_id: key}
    sealer.seal_pending()


def test_a_seal_signed_by_a_key_that_the_chain_never_named_is_found(
    events: list[Event], settings: Settings
) -> None:
    last = Seal.objects.latest("number")
    forger = Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32)
    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_seal SET signature = %s WHERE number = %s",
            forger.sign(bytes(last.head)),
            last.number,
        )

    assert kinds(verify_log()) == {Fault.BAD_SIGNATURE}


def test_an_older_backup_that_was_put_back_shows_against_an_anchor(
    events: list[Event],
) -> None:
    heads = anchored()
    two_back = Seal.objects.filter(kind="events").order_by("-number")[1]
    with as_superuser() as execute:
        execute("DELETE FROM auditlog_event WHERE xid >= %s", two_back.xid_from)
        execute("DELETE FROM auditlog_seal WHERE number >= %s", two_back.number)
    make_event()
    sealer.seal_pending()

    assert verify_log().is_clean
    assert kinds(verify_log(heads=heads)) == {Fault.NOT_ANCHORED}


def test_a_seal_dated_back_is_found(events: list[Event]) -> None:
    last = Seal.objects.latest("number")
    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_seal SET sealed_at = sealed_at - interval '1 hour'"
            " WHERE number = %s",
            last.number,
        )

    assert {Fault.CLOCK, Fault.BROKEN_SEAL} <= kinds(verify_log())


def test_hashes_exchanged_inside_a_seal_are_found(events: list[Event]) -> None:
    seal = Seal.objects.filter(kind="events", count__gt=1).earliest("number")
    leaves = bytes(seal.leaves or b"")
    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_seal SET leaves = %s WHERE number = %s",
            leaves[32:64] + leaves[:32] + leaves[64:],
            seal.number,
        )

    assert Fault.BROKEN_SEAL in kinds(verify_log())


WRITTEN_INTO_SEALS = {
    "no JSON": "body = 'nonsense' WHERE kind = 'events'",
    "nothing said": "body = '{}' WHERE kind = 'events'",
    "a list": "body = '[]' WHERE kind = 'events'",
    "so many events": """body = '{"partitions":{"a":999999999}}' WHERE count > 0""",
    "beyond any number": f"""body = '{{"from":1,"below":{2**70}}}' WHERE count > 0""",
    "no key": "body = '{}' WHERE kind = 'key'",
    "no hex": """body = '{"key_id":"s1","public_key":"zz"}' WHERE kind = 'key'""",
    "a pruned one": "kind = 'pruned' WHERE kind = 'events'",
    "a key": "kind = 'key' WHERE kind = 'events'",
    "half an id": "event_ids = substring(event_ids FROM 1 FOR 17) WHERE count > 0",
    "no window": "xid_from = NULL, xid_below = NULL WHERE count > 0",
    "a longer window": "xid_below = xid_below + 1000 WHERE count > 0",
    "a later window": "xid_from = xid_from + 1 WHERE number = 5",
}


def test_what_was_written_into_seals_is_found_and_stops_no_verification(
    events: list[Event],
) -> None:
    unseen = []
    with as_superuser() as execute:
        execute("CREATE TABLE kept_seals AS SELECT * FROM auditlog_seal")
        for name, change in WRITTEN_INTO_SEALS.items():
            execute(f"UPDATE auditlog_seal SET {change}")
            report = verify_log()
            unseen += [name] if report.is_clean else []
            execute("DELETE FROM auditlog_seal")
            execute("INSERT INTO auditlog_seal SELECT * FROM kept_seals")
        execute("DROP TABLE kept_seals")

    assert unseen == []
    assert verify_log().is_clean


def test_a_forged_event_is_named_also_where_the_windows_were_taken_away(
    events: list[Event],
) -> None:
    forged = UUID(int=99)
    with as_superuser() as execute:
        execute(
            "INSERT INTO auditlog_event SELECT (json_populate_record(e,"
            " json_build_object('event_id', %s::text))).*"
            " FROM auditlog_event e WHERE event_id = %s",
            str(forged),
            events[0].event_id,
        )
        execute("UPDATE auditlog_seal SET xid_from = NULL, xid_below = NULL")

    assert (Fault.EXTRA, forged) in faults(verify_log())


def test_a_log_without_any_seal_is_no_clean_one() -> None:
    make_event(at=timezone.now() - timedelta(minutes=10))

    assert kinds(verify_log()) == {Fault.BROKEN_CHAIN}


def test_an_event_that_the_sealer_leaves_out_is_named(events: list[Event]) -> None:
    left_out = make_event(at=timezone.now() - timedelta(days=2))
    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_event SET xid = 1::bigint << 60 WHERE event_id = %s",
            left_out.event_id,
        )
    make_event()

    report = verify_log()

    assert faults(report) == {(Fault.UNSEALED, left_out.event_id)}
    assert report.unsealed == 2
