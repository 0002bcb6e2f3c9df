"""What is allowed to happen to a log leaves its verification clean."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from auditlog import check_proof
from auditlog.errors import PartitionTampered
from auditlog.models import Anchor, Event, Seal
from auditlog.services import anchoring, partitions, pruning, sealer
from auditlog.services.proving import prove_event
from auditlog.services.verification import Fault, verify_log
from auditlog.tests.factories import Somebody, destroy_key, make_actor, make_event
from chatsec.core.errors import Conflict, NotFound

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(transaction=True, databases=DATABASES)


def old_partition() -> str:
    then = timezone.now() - timedelta(days=131)
    partitions.ensure_partitions(since=then.date(), months_ahead=0)
    for _ in range(3):
        make_event(at=then)
    # Sealed when it happened, not today.
    sealer.seal_pending(now=then)
    make_event()
    sealer.seal_pending()
    return f"event_access_{then:%Y_%m}"


def test_retention_leaves_the_log_as_sealed() -> None:
    name = old_partition()
    assert verify_log().is_clean

    (dropped,) = pruning.drop_expired()
    sealer.seal_pending()

    report = verify_log()
    assert (dropped.name, dropped.events) == (name, 3)
    assert report.is_clean, report.findings
    assert report.pruned == 3


def test_a_partition_that_was_tampered_with_is_not_dropped() -> None:
    name = old_partition()
    guards = ("audit_append_only", "audit_no_truncate")
    with connections["owner"].cursor() as cursor:
        for guard in guards:
            cursor.execute(f"ALTER TABLE audit_parts.{name} DISABLE TRIGGER {guard}")
        cursor.execute(f"DELETE FROM audit_parts.{name} WHERE ctid = '(0,1)'")

    with pytest.raises(PartitionTampered):
        pruning.drop_partition(name)

    assert pruning.drop_expired() == []
    assert {each.fault for each in verify_log().findings} == {Fault.MISSING}


def test_erasing_a_person_leaves_the_log_as_sealed() -> None:
    person = Somebody()
    make_event(actor=make_actor(person), details={"note": "x"}, subject_id=person.id)
    sealer.seal_pending()

    destroy_key(person.id)
    sealer.seal_pending()

    assert verify_log().is_clean


def test_a_log_in_another_cluster_goes_on_in_a_new_epoch() -> None:
    """A restored dump brings rows that no seal took and starts its ids anew."""
    make_event()
    sealer.seal_pending()
    unsealed = make_event()
    pretend_another_cluster()

    sealer.seal_pending()
    new = make_event()
    sealer.seal_pending()

    kinds = list(Seal.objects.order_by("number").values_list("kind", flat=True))
    assert "swept" in kinds
    assert kinds.count("epoch") == 2
    assert Event.objects.get(event_id=unsealed.event_id).epoch == 1
    assert new.epoch == 2
    report = verify_log()
    assert report.is_clean, report.findings
    assert prove_event(unsealed.event_id)
    assert prove_event(new.event_id)


def pretend_another_cluster() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION audit_cluster() RETURNS text LANGUAGE sql"
            " STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
            " AS $$ SELECT 'another' $$"
        )


def test_a_new_key_is_vouched_for_by_the_old(settings: Settings) -> None:
    make_event()
    sealer.seal_pending()
    first = Seal.objects.get(number=1).named()["public_key"]
    settings.CHATSEC_SEAL_KEYS = {"s2": b"\x02" * 32, **settings.CHATSEC_SEAL_KEYS}

    event = make_event()
    sealer.seal_pending()

    assert Seal.objects.latest("number").key_id == "s2"
    assert verify_log(public_key=first).is_clean
    assert check_proof.check(json.loads(json.dumps(prove_event(event.event_id))))


def test_a_proof_convinces_the_stand_alone_checker_up_to_the_anchor(
    tmp_path: Path, settings: Settings
) -> None:
    anchors = tmp_path / "heads.jsonl"
    settings.CHATSEC_AUDIT_ANCHORS = [f"file:{anchors}", "log:"]
    events = [make_event(actor=make_actor(), details={"n": n}) for n in range(5)]
    sealer.seal_pending()
    make_event()
    sealer.seal_pending()
    made = anchoring.anchor_head()
    (anchor,) = [json.loads(line) for line in anchors.read_text().splitlines()]

    proof = json.loads(json.dumps(prove_event(events[3].event_id)))
    said = check_proof.check(proof, anchor["first_public_key"], anchor["head"])

    assert "anchored head" in said[-1]
    assert len(made) == 2
    assert set(Anchor.objects.values_list("sink", flat=True)) == {"file:", "log:"}
    assert anchors.stat().st_mode & 0o777 == 0o600


def test_a_proof_ends_with_the_next_head_outside_however_long_the_log_went_on(
    tmp_path: Path, settings: Settings
) -> None:
    event = make_event()
    sealer.seal_pending()
    settings.CHATSEC_AUDIT_ANCHORS = ["log:"]
    anchoring.anchor_head()
    make_event()
    sealer.seal_pending()
    settings.CHATSEC_AUDIT_ANCHORS = ["log:", f"file:{tmp_path}/heads"]
    anchoring.anchor_head()
    for _ in range(3):
        make_event()
        sealer.seal_pending()
        anchoring.anchor_head()

    proof = json.loads(json.dumps(prove_event(event.event_id)))
    numbers = [each["number"] for each in proof["seals"]]

    firsts = Anchor.objects.order_by("number").values_list("number", flat=True)
    assert numbers == [firsts[0], firsts[1]]


def test_nothing_is_proven_that_is_not_sealed() -> None:
    event = make_event()
    with pytest.raises(Conflict):
        prove_event(event.event_id)
    with pytest.raises(NotFound):
        prove_event(uuid4())


def test_the_command_says_what_is_wrong_and_ends_so(tmp_path: Path) -> None:
    make_event()
    sealer.seal_pending()
    anchors = tmp_path / "heads.jsonl"
    anchors.write_text(
        json.dumps({"format": anchoring.FORMAT, "number": 2, "head": "00" * 32}) + "\n"
    )
    output = StringIO()

    call_command("audit_verify", workers=2, stdout=output, stderr=StringIO())
    assert "all as sealed" in output.getvalue()

    with pytest.raises(CommandError) as ended:
        call_command("audit_verify", anchors=anchors, stdout=output, stderr=StringIO())
    assert ended.value.returncode == 1
    assert "not_anchored: seal 2" in output.getvalue()
    with pytest.raises(CommandError, match="not a file of anchors"):
        call_command("audit_verify", anchors=tmp_path / "none", stderr=StringIO())


def test_a_key_that_is_mistyped_is_not_a_log_that_was_changed() -> None:
    output = StringIO()

    with pytest.raises(CommandError, match="64 hexadecimal digits"):
        call_command("audit_verify", "--key", "7c23", stdout=output)

    assert not output.getvalue()


def test_a_key_is_taken_in_capitals_too() -> None:
    make_event()
    sealer.seal_pending()
    key, output = Seal.objects.get(number=1).named()["public_key"], StringIO()

    call_command("audit_verify", "--key", key.upper(), stdout=output, stderr=StringIO())

    assert "all as sealed" in output.getvalue()


def test_who_checks_seals_alone_is_told_that_no_event_was_compared() -> None:
    make_event()
    sealer.seal_pending()
    output = StringIO()

    call_command("audit_verify", "--chain-only", stdout=output)

    assert "events not compared" in output.getvalue()


def test_a_dump_that_lay_for_days_brings_its_last_events_into_the_seals() -> None:
    then = timezone.now() - timedelta(days=5)
    make_event(at=then)
    sealer.seal_pending(now=then)
    unsealed = make_event(at=then)
    pretend_another_cluster()

    sealer.seal_pending()

    report = verify_log()
    assert report.is_clean, report.findings
    assert report.unsealed == 0
    assert prove_event(unsealed.event_id)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_sealer_that_stood_still_for_days_leaves_the_log_clean(
    *, is_first: bool
) -> None:
    now, day = timezone.now(), timedelta(days=1)
    partitions.ensure_partitions(since=(now - 3 * day).date(), months_ahead=0)
    if not is_first:
        make_event(at=now - 3 * day)
        sealer.seal_pending(now=now - 3 * day)
    for age in (3, 2, 1):
        make_event(at=now - age * day + timedelta(minutes=1))

    sealer.seal_pending(now=now)

    assert verify_log().is_clean
