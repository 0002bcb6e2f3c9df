"""The one sealer: each second it seals what was committed since its last seal.

It follows transaction ids, not event ids: nothing can appear any more below the oldest
transaction that runs, so a slow writer is sealed late and never missed. It works as the
retention role; the application's may read seals and add none.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connections, transaction
from django.utils import timezone

from auditlog.constants import HEARTBEAT, SEAL_EVENTS
from auditlog.models import Seal
from auditlog.proofs.chain import Kind
from auditlog.proofs.in_sql import leaf_sql
from auditlog.services.partitions import RETENTION
from auditlog.services.seal_chain import EMPTY, Batch, SealChain, Window, batched_ids

CHANNEL: Final = "auditlog_sealed"
LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('chatsec audit sealer'))"
HORIZON: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# The first transaction, and the one with which there are more than one seal takes.
TOO_MANY: Final = """
    WITH pending AS (
        SELECT xid FROM auditlog_event
        WHERE epoch = %(epoch)s AND xid >= %(since)s AND xid < %(below)s
        ORDER BY xid LIMIT %(most)s + 1
    )
    SELECT min(xid), max(xid) FROM pending HAVING count(*) > %(most)s
"""
# So many transactions are looked through first, and so many times more each time: an
# outage leaves millions behind, and to sort them all for each seal would never end.
FIRST_LOOK: Final = 64
FURTHER: Final = 4
LEAVES: Final = f"""
    SELECT part.relname, count(*),
        string_agg(uuid_send(hashed.event_id), ''::bytea ORDER BY hashed.event_id),
        string_agg(hashed.leaf, ''::bytea ORDER BY hashed.event_id)
    FROM (
        SELECT event.tableoid AS part, event.event_id, {leaf_sql("event")} AS leaf
        FROM auditlog_event AS event
        WHERE event.epoch = %s AND event.xid >= %s AND event.xid < %s
    ) AS hashed JOIN pg_class AS part ON part.oid = hashed.part
    GROUP BY part.relname
    ORDER BY part.relname
"""  # noqa: S608 - our own expression


# A log that moves to another cluster brings along what came after its last seal; how
# far back else unsealed events are looked for.
SWEEP_BACK: Final = timedelta(days=1)
LEAVES_SINCE: Final = f"""
    SELECT part.relname, event.event_id, {leaf_sql("event")}
    FROM auditlog_event AS event JOIN pg_class AS part ON part.oid = event.tableoid
    WHERE event.epoch = %s AND (event.xid >= %s OR event.occurred_at >= %s)
    ORDER BY part.relname, event.event_id
"""  # noqa: S608 - our own expression


def seal_pending(*, now: datetime | None = None) -> list[Seal]:
    """Seal what was committed since the last seal; return the new seals.

    Without events a heartbeat is sealed once a minute, so that a missing tail shows.
    While another sealer is at work nothing is done. Raises NoSealKey.
    """
    now = now or timezone.now()
    made: list[Seal] = []
    is_last = False
    while not is_last:
        batch, is_last = _seal_batch(now=now)
        made.extend(batch)
    return made


def _seal_batch(*, now: datetime) -> tuple[list[Seal], bool]:
    """Return the seals of the next window, and whether it reaches up to now."""
    with transaction.atomic(using=RETENTION):
        if not _ask(LOCK)[0]:
            return [], True
        chain = SealChain(now=now)
        chain.use_current_key()
        window, is_last = _follow_cluster(chain)
        batch = batch_in(window)
        if batch.count:
            chain.append_events(batch, window)
        elif _is_silent(chain, now=now):
            _append_heartbeat(chain, window)
        if chain.made:
            _ask("SELECT pg_notify(%s, %s)", CHANNEL, str(chain.made[-1].number))
        return chain.made, is_last


def wait_for_turn() -> None:
    """Return when no other sealer is at work until this transaction ends."""
    _ask("SELECT pg_advisory_xact_lock(hashtext('chatsec audit sealer'))::text")


def batch_in(window: Window) -> Batch:
    """Return every event of the window, hashed by the server."""
    with connections[RETENTION].cursor() as cursor:
        cursor.execute(LEAVES, window)
        found = cursor.fetchall()
    return Batch(
        {part: count for part, count, _, _ in found},
        b"".join(bytes(ids) for _, _, ids, _ in found),
        b"".join(bytes(leaves) for _, _, _, leaves in found),
    )


def _follow_cluster(chain: SealChain) -> tuple[Window, bool]:
    """Return the window to seal next; in a new cluster a new epoch begins first."""
    cluster = str(_ask("SELECT audit_cluster()")[0])
    epochs = Seal.objects.using(RETENTION).filter(kind=Kind.EPOCH)
    begun = epochs.order_by("-number").first()
    if begun is None:
        chain.append_note(Kind.EPOCH, {"cluster": cluster})
        return _window(1, since=0)
    if begun.named()["cluster"] != cluster:
        _begin_epoch(chain, old=begun.epoch, cluster=cluster)
        return _window(begun.epoch + 1, since=0)
    return _window(begun.epoch, since=_end_of(begun.epoch))


def _end_of(epoch: int) -> int:
    """Return the transaction that the next window of the epoch begins with."""
    # The windows of an epoch follow each other: the last one begins the highest.
    ends = Seal.objects.using(RETENTION).filter(epoch=epoch, xid_from__isnull=False)
    last = ends.order_by("-xid_from").values_list("xid_below", flat=True).first()
    return last or 0


def _begin_epoch(chain: SealChain, *, old: int, cluster: str) -> None:
    """Go on in another cluster: what its log brought along unsealed is sealed first.

    Transaction ids count anew there, so its events get another epoch.
    """
    _ask("SELECT audit_begin_epoch(%s::smallint)", old + 1)
    batch = _unsealed_since(old, chain.now - SWEEP_BACK)
    if batch.count:
        chain.append_events(batch, Window(old, 0, 0), Kind.SWEPT)
    chain.append_note(Kind.EPOCH, {"cluster": cluster}, epoch=old + 1)


def _unsealed_since(epoch: int, since: datetime) -> Batch:
    sealed: set[bytes] = set()
    seals = Seal.objects.using(RETENTION).filter(
        sealed_at__gte=since, event_ids__isnull=False
    )
    for ids in seals.values_list("event_ids", flat=True):
        sealed.update(batched_ids(bytes(ids or b"")))
    with connections[RETENTION].cursor() as cursor:
        cursor.execute(LEAVES_SINCE, [epoch, _end_of(epoch), since])
        found = [row for row in cursor.fetchall() if row[1].bytes not in sealed]
    return Batch(
        dict(Counter(part for part, _, _ in found)),
        b"".join(event_id.bytes for _, event_id, _ in found),
        b"".join(bytes(leaf) for _, _, leaf in found),
    )


def _window(epoch: int, *, since: int) -> tuple[Window, bool]:
    """Return the next window, as much as a seal takes, and whether that is all."""
    horizon = max(int(_ask(HORIZON)[0]), since)
    look = FIRST_LOOK
    while True:
        below = min(since + look, horizon)
        named = {"epoch": epoch, "since": since, "below": below}
        too_many = _ask(TOO_MANY, **named, most=SEAL_EVENTS)
        if too_many:
            # One transaction may have written more than a seal takes: it goes whole.
            first, last = too_many
            return Window(epoch, since, max(last, first + 1)), False
        if below == horizon:
            return Window(epoch, since, horizon), True
        look *= FURTHER


def _append_heartbeat(chain: SealChain, window: Window) -> None:
    if window.xid_below > window.xid_from:
        chain.append_events(EMPTY, window, Kind.HEARTBEAT)
    else:
        # Not one transaction since: there is nothing to say but that we are here.
        chain.append_note(Kind.HEARTBEAT, {})


def _is_silent(chain: SealChain, *, now: datetime) -> bool:
    """Whether a heartbeat is due; at once after a clock was set back."""
    if chain.last is None:
        return False
    return abs(now - chain.last.made_at) >= HEARTBEAT


def _ask(question: str, *values: str | int, **named: int) -> tuple[Any, ...]:
    with connections[RETENTION].cursor() as cursor:
        cursor.execute(question, named or values)
        answer = cursor.fetchone()
    return tuple(answer or ())
