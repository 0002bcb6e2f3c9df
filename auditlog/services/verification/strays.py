"""Events that no seal holds: put in where none looks, or not sealed yet."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from auditlog.services.verification.chain_walk import Chain
from auditlog.services.verification.findings import Fault, Finding
from auditlog.services.verification.rows import LATEST, waited_on_disk

MOST_NAMED: Final = 1_000


def strays(chain: Chain) -> list[Finding]:
    """Return events outside of every window: of epochs that are over, or unknown.

    Of the present epoch it is those that the sealer has left out for a day. What was
    written since the last seal is counted, in `chain.report`, and no fault.
    """
    found = [Finding(Fault.EXTRA, None, id_) for id_ in _of_no_epoch(chain)]
    for epoch, end in chain.ends.items():
        if epoch != chain.epoch:
            late = _ids("epoch = %s AND xid >= %s", epoch, end)
            found += [
                Finding(Fault.EXTRA, None, id_)
                for id_ in late
                if id_.bytes not in chain.swept
            ]
    chain.report.unsealed = _count_unsealed(chain)
    return found + _left_out(chain)


def _of_no_epoch(chain: Chain) -> list[UUID]:
    known = [*chain.ends, chain.epoch]
    return _ids("epoch <> ALL(%s)", known) if chain.ends else []


def _left_out(chain: Chain) -> list[Finding]:
    """Return what is a day older than the last seal and in none."""
    if chain.sealed_at is None:
        return []
    old = _ids(
        "epoch = %s AND xid >= %s AND occurred_at < %s LIMIT %s",
        chain.epoch,
        chain.ends.get(chain.epoch, 0),
        chain.sealed_at - LATEST,
        MOST_NAMED,
    )
    # What waited on disk was written a moment ago: its turn comes.
    left = [event_id for event_id in old if not waited_on_disk(event_id)]
    return [Finding(Fault.UNSEALED, None, event_id) for event_id in left]


def _count_unsealed(chain: Chain) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM auditlog_event WHERE epoch = %s AND xid >= %s",
            [chain.epoch, chain.ends.get(chain.epoch, 0)],
        )
        return int(cursor.fetchone()[0])


def _ids(where: str, *values: int | list[int] | datetime) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT event_id FROM auditlog_event WHERE {where}", values)  # noqa: S608 - our own words
        return [event_id for (event_id,) in cursor.fetchall()]
