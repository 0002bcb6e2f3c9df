"""What waited on disk goes into the event log: each event once, whatever happens.

An event goes by its own id, so writing it again changes nothing. A file is removed
after its events are committed. All of one file are one transaction, which says so by an
event of its own: verification allows for their age by it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from django.db import Error, transaction

from auditlog import events
from auditlog.services.inserting import insert_once
from auditlog.services.keeping import unpacked
from auditlog.services.recording import record
from auditlog.services.rows import sealed_row
from auditlog.spool import Content, audit_spool, framed
from chatsec.core.context import SYSTEM
from chatsec.core.crypto import DecryptionFailed
from chatsec.core.errors import DomainError
from chatsec.core.outage import is_out_of_reach

logger = logging.getLogger(__name__)
# Another try may well succeed (SQLSTATE): a deadlock, two transactions that cannot be
# put in an order, a wait for a lock that took too long, a statement that did, a server
# that only reads until it is the first of its cluster.
FOR_NOW: Final = ("40", "55P03", "57014", "25006")


class Replayed(NamedTuple):
    """What became of the records that waited."""

    written: int = 0
    known: int = 0
    put_aside: int = 0

    def plus(self, other: Replayed) -> Replayed:
        """Return both together."""
        return Replayed(
            self.written + other.written,
            self.known + other.known,
            self.put_aside + other.put_aside,
        )


def replay_spool() -> Replayed:
    """Write what waits, of every process; raise OperationalError if that must wait."""
    return _replay(audit_spool().files())


def retry_dead() -> Replayed:
    """Try again what was put aside; what fails again is put aside again."""
    return _replay(audit_spool().dead_files())


def _replay(files: Iterable[Path]) -> Replayed:
    total = Replayed()
    for path in files:
        with audit_spool().taken(path) as content:
            if content is not None:
                total = total.plus(_replayed(content))
    return total


def _replayed(content: Content) -> Replayed:
    refused: list[bytes] = []
    written = known = 0
    with transaction.atomic():
        for body in content.records:
            is_new = _written(body)
            written += is_new is True
            known += is_new is False
            if is_new is None:
                refused.append(framed(body))
        if written:
            record(events.SPOOL_REPLAYED, actor=SYSTEM, result_count=written)
    for each in [*refused, *content.damaged]:
        audit_spool().put_aside(each)
    return _told(Replayed(written, known, len(refused) + len(content.damaged)), content)


def _written(body: bytes) -> bool | None:
    """Return whether the event is new; None if it can never be written like this."""
    try:
        with transaction.atomic():
            return insert_once(sealed_row(unpacked(body)))
    except (DecryptionFailed, DomainError, Error, KeyError, TypeError, ValueError) as e:
        if is_out_of_reach(e) or _is_for_now(e):
            raise
        logger.exception("an event of the audit spool cannot be written")
        return None


def _is_for_now(error: BaseException) -> bool:
    state: str = getattr(error.__cause__, "pgcode", None) or ""
    return state.startswith(FOR_NOW)


def _told(replayed: Replayed, content: Content) -> Replayed:
    if content.torn:
        logger.warning("the audit spool ends in %d bytes of nothing", content.torn)
    if replayed.put_aside:
        logger.critical("%d records of the audit spool put aside", replayed.put_aside)
    if replayed.written:
        logger.warning("%d events came from the audit spool", replayed.written)
    return replayed
