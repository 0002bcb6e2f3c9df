"""The end of partitions past their retention, which leaves the chain verifiable.

What is dropped was verified a moment before, and a seal says that it went: afterwards
`audit_verify` knows a pruned event from a deleted one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from auditlog.errors import PartitionHeld, PartitionTampered
from auditlog.proofs.chain import Kind
from auditlog.services.log_checks import note_differences
from auditlog.services.partitions import RETENTION, Partition, list_partitions
from auditlog.services.seal_chain import SealChain
from auditlog.services.sealer import wait_for_turn
from auditlog.services.verification import Fault, verify_partition
from chatsec.core.crypto import subject_keys

logger = logging.getLogger(__name__)
_IS_ABOUT: Final = """
    SELECT EXISTS (
        SELECT FROM auditlog_event AS event
        JOIN pg_class AS part ON part.oid = event.tableoid
        WHERE part.relname = %s AND category = %s
        AND (actor_pseudonym = ANY(%s::uuid[]) OR subject_pseudonym = ANY(%s::uuid[]))
    )
"""


class Dropped(NamedTuple):
    """A partition that is gone, and how many events went with it."""

    name: str
    events: int


def drop_expired() -> list[Dropped]:
    """Drop every partition past its retention, each in its own transaction.

    One that a legal hold keeps stays; so does one that is not what was sealed, until
    somebody has looked at it.
    """
    dropped = []
    for each in list_partitions():
        if not each.is_expired:
            continue
        try:
            dropped.append(drop_partition(each.name))
        except PartitionHeld as kept:
            logger.warning("audit partition kept: %s", kept)
        except PartitionTampered as kept:
            logger.critical("audit partition kept: %s", kept)
            differs = verify_partition(each.name, each.category)
            note_differences(differs, now=timezone.now())
    return dropped


def drop_partition(name: str) -> Dropped:
    """Drop the partition, leaving an event and a seal; a younger one is refused.

    Raises PartitionHeld or PartitionTampered when it has to stay.
    """
    found = next((each for each in list_partitions() if each.name == name), None)
    standing_holds = import_string(settings.CHATSEC_AUDIT_HOLDS)
    with transaction.atomic(using=RETENTION), standing_holds() as held:
        if found is not None:
            _refuse_held(found, held)
            _refuse_tampered(found)
        wait_for_turn()
        chain = SealChain(now=timezone.now())
        chain.use_current_key()
        with connections[RETENTION].cursor() as cursor:
            cursor.execute("SELECT audit_drop_partition(%s)", [name])
            events = int(cursor.fetchone()[0])
        chain.append_note(Kind.PRUNED, {"partition": name, "events": events})
    return Dropped(name, events)


def _refuse_held(partition: Partition, held: Collection[UUID]) -> None:
    people = [subject_keys().pseudonym(each) for each in held]
    with connection.cursor() as cursor:
        cursor.execute(_IS_ABOUT, [partition.name, partition.category, people, people])
        if cursor.fetchone() != (False,):
            raise PartitionHeld(f"a legal hold keeps {partition.name}")


def _refuse_tampered(partition: Partition) -> None:
    report = verify_partition(partition.name, partition.category)
    wrong = [each for each in report.findings if each.fault is not Fault.CLOCK]
    if wrong:
        raise PartitionTampered(f"{partition.name} is not what was sealed: {wrong[0]}")
