"""What was left out is written whatever becomes of the others."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from auditlog import events
from auditlog.errors import PartitionMissing
from auditlog.models import Event
from auditlog.services import Pace, record_repeated, repeating
from auditlog.services.inserting import insert
from auditlog.services.replaying import replay_spool
from auditlog.services.rows import Row

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
PACE = Pace("test", 1, MINUTE, MINUTE)
LATER = timedelta(minutes=2)


def leave_out(*, keys: int) -> None:
    """Have two left out of each key, after the one that is written."""
    for _ in range(keys):
        key = uuid4().hex
        for _ in range(3):
            record_repeated(events.DATA_ACCESS, [(PACE, key)], outcome="denied")


def left_out() -> int:
    return Event.objects.filter(result_count=2).count()


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """Let the log refuse the first that is written from now on."""
    refused: list[Row] = []

    def insert_later(row: Row) -> None:
        if not refused:
            refused.append(row)
            raise PartitionMissing
        insert(row)

    monkeypatch.setattr(repeating, "insert", insert_later)
    return refused


def test_one_that_cannot_be_written_takes_no_other_along(refusing: list[Row]) -> None:
    leave_out(keys=3)

    repeating.write_left_out(now=timezone.now() + LATER)

    assert len(refusing) == 1
    assert left_out() == 2
    replay_spool()
    assert left_out() == 3


def test_who_is_killed_loses_nothing_that_he_had_not_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(row: Row) -> None:
        raise SystemExit

    leave_out(keys=3)
    with monkeypatch.context() as patch:
        patch.setattr(repeating, "insert", killed)
        with pytest.raises(SystemExit):
            repeating.write_left_out(now=timezone.now() + LATER)

    repeating.write_left_out(now=timezone.now() + LATER)
    assert left_out() == 2
