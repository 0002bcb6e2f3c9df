"""Refusals that somebody can provoke as fast as he likes: on record, and bounded."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Unpack

from django.db import Error
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog.registry import EventType
from auditlog.services.inserting import insert
from auditlog.services.keeping import keep_on_disk, packed, unpacked
from auditlog.services.recording import Evidence
from auditlog.services.refusals import record_refusal
from auditlog.services.rows import Draft, draft_event, sealed_row
from auditlog.services.turns import LeftOut, Pace, Try, collect_left_out, take_turn
from chatsec.core.crypto import DecryptionFailed
from chatsec.core.errors import DomainError, Json
from chatsec.core.outage import is_out_of_reach

logger = logging.getLogger(__name__)
# What is no draft of ours cannot be written, now or ever.
UNREADABLE: Final = (DecryptionFailed, KeyError, TypeError, ValueError)


class Repeated(NamedTuple):
    """What became of one of many: whether it was written, else how long it is not."""

    is_written: bool
    wait_seconds: int = 0


def record_repeated(
    event: EventType,
    paces: Sequence[tuple[Pace, str]],
    *,
    summary: EventType | None = None,
    label: str = "",
    **evidence: Unpack[Evidence],
) -> Repeated:
    """Write the refusal as `record_refusal` does, as often as every pace allows.

    One that is left out is counted under the first pace that has no place. The event
    that stands for them (`summary`, else the same type) says in `result_count` how many
    they were, itself included, and in its details what they were about.
    """
    now, count, labels = timezone.now(), 1, set[str]()
    about = summary or event
    pending = packed(draft_event(about, evidence, occurred_at=now))
    for pace, key in paces:
        turn = take_turn(pace, Try(key, pending, label, count), now=now)
        if not turn.stands_for:
            return Repeated(is_written=False, wait_seconds=turn.wait_seconds)
        count = turn.stands_for
        labels.update(turn.labels)
    if count > 1:
        evidence["result_count"] = count
        evidence["details"] = _with_names(evidence.get("details", {}), sorted(labels))
    record_refusal(about if count > 1 else event, **evidence)
    return Repeated(is_written=True)


def write_left_out(*, now: datetime) -> int:
    """Write what was left out and is due; return how many events that made."""
    return sum(_write(one, now=now) for one in collect_left_out(now=now))


def _write(one: LeftOut, *, now: datetime) -> bool:
    try:
        draft = _summary_of(one, now=now)
    except UNREADABLE:
        logger.exception("%d events that were left out cannot be written", one.number)
        return False
    try:
        insert(sealed_row(draft))
    except (Error, DomainError) as error:
        # It is counted nowhere any more: whoever replays the spool tries it again.
        keep_on_disk(draft)
        if not is_out_of_reach(error):
            logger.exception("an event about many was kept on disk")
    return True


def _summary_of(one: LeftOut, *, now: datetime) -> Draft:
    draft = unpacked(one.pending)
    details = json.loads(draft.details) if draft.details else {}
    named = _with_names(details, one.labels)
    return draft._replace(
        event_id=uuid7(),
        occurred_at=now,
        result_count=one.number,
        details=json.dumps(named, ensure_ascii=False, separators=(",", ":")),
    )


def _with_names(details: Mapping[str, Json], labels: Sequence[str]) -> dict[str, Json]:
    return {**details, "about": list(labels)} if labels else dict(details)
