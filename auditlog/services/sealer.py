"""The one sealer: each second it seals what was committed since its last seal.

It follows transaction ids, not event ids: nothing can appear any more below the oldest
transaction that runs, so a slow writer is sealed late and never missed. It works as the
retention role; the application's may read seals and add none.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connections, transaction
from django.utils import timezone

from auditlog.constants import HEARTBEAT, SEAL_EVENTS
from auditlog.models import Seal
from auditlog.proofs.chain import Kind
from auditlog.proofs.in_sql import leaf_sql
from auditlog.services.partitions import RETENTION
from auditlog.services.seal_chain import Leaf, SealChain, Window, batched_ids

CHANNEL: Final = "auditlog_sealed"
LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('chatsec audit sealer'))"
# Some (not None) xid if there is more below the horizon than one seal takes.
HORIZON: Final = """
    SELECT horizon, (
        SELECT xid FROM auditlog_event
        WHERE epoch = %(epoch)s AND xid >= %(since)s AND xid < horizon
        ORDER BY xid OFFSET %(most)s LIMIT 1
    ) FROM (
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon
    ) AS now
"""
LEAVES: Final = f"""
    SELECT part.relname, event.event_id, {leaf_sql("event")}
    FROM auditlog_event AS event JOIN pg_class AS part ON part.oid = event.tableoid
    WHERE event.epoch = %s AND event.xid >= %s AND event.xid < %s
    ORDER BY part.relname, event.event_id
"""  # noqa: S608 - our own expression


# How far back unsealed events are looked for when a log moves to another cluster.
SWEEP_BACK: Final = timedelta(days=1)
LEAVES_SINCE: Final = f"""
    SELECT part.relname, event.event_id, {leaf_sql("event")}
    FROM auditlog_event AS event JOIN pg_class AS part ON part.oid = event.tableoid
    WHERE event.epoch = %s AND event.occurred_at >= %s
    ORDER BY part.relname, event.event_id
"""  # noqa: S608 - our own expression


def seal_pending(*, now: datetime | None = None) -> list[Seal]:
    """Seal what was committed since the last seal; return the new seals.

    Without events a heartbeat is sealed once a minute, so that a missing tail shows.
    While another sealer is at work nothing is done. Raises NoSealKey.
    """
    now = now or timezone.now()
    made: list[Seal] = []
    while batch := _seal_batch(now=now):
        made.extend(batch)
        if batch[-1].count < SEAL_EVENTS:
            break
    return made


def _seal_batch(*, now: datetime) -> list[Seal]:
    with transaction.atomic(using=RETENTION):
        if not _ask(LOCK)[0]:
            return []
        chain = SealChain(now=now)
        chain.use_current_key()
        window = _follow_cluster(chain)
        leaves = leaves_in(window)
        if leaves:
            chain.append_events(leaves, window)
        elif _is_silent(chain, now=now):
            _append_heartbeat(chain, window)
        if chain.made:
            _ask("SELECT pg_notify(%s, %s)", CHANNEL, str(chain.made[-1].number))
        return chain.made


def wait_for_turn() -> None:
    """Return when no other sealer is at work until this transaction ends."""
    _ask("SELECT pg_advisory_xact_lock(hashtext('chatsec audit sealer'))::text")


def leaves_in(window: Window) -> list[Leaf]:
    """Return the leaves of every event of the window, by partition and id."""
    with connections[RETENTION].cursor() as cursor:
        cursor.execute(LEAVES, window)
        return [Leaf(part, id_, bytes(leaf)) for part, id_, leaf in cursor.fetchall()]


def _follow_cluster(chain: SealChain) -> Window:
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
    # The windows of an epoch follow each other: the last one begins the highest.
    ends = Seal.objects.using(RETENTION).filter(
        epoch=begun.epoch, xid_from__isnull=False
    )
    last = ends.order_by("-xid_from").values_list("xid_below", flat=True).first()
    return _window(begun.epoch, since=last or 0)


def _begin_epoch(chain: SealChain, *, old: int, cluster: str) -> None:
    """Go on in another cluster: what its log brought along unsealed is sealed first.

    Transaction ids count anew there, so its events get another epoch.
    """
    _ask("SELECT audit_begin_epoch(%s::smallint)", old + 1)
    leaves = _unsealed_since(old, chain.now - SWEEP_BACK)
    if leaves:
        chain.append_events(leaves, Window(old, 0, 0), Kind.SWEPT)
    chain.append_note(Kind.EPOCH, {"cluster": cluster}, epoch=old + 1)


def _unsealed_since(epoch: int, since: datetime) -> list[Leaf]:
    sealed: set[bytes] = set()
    seals = Seal.objects.using(RETENTION).filter(
        sealed_at__gte=since, event_ids__isnull=False
    )
    for ids in seals.values_list("event_ids", flat=True):
        sealed.update(batched_ids(bytes(ids or b"")))
    with connections[RETENTION].cursor() as cursor:
        cursor.execute(LEAVES_SINCE, [epoch, since])
        found = [Leaf(part, id_, bytes(leaf)) for part, id_, leaf in cursor.fetchall()]
    return [leaf for leaf in found if leaf.event_id.bytes not in sealed]


def _window(epoch: int, *, since: int) -> Window:
    horizon, too_many = _ask(HORIZON, epoch=epoch, since=since, most=SEAL_EVENTS)
    # One transaction may have written more than a seal takes: it is sealed whole.
    below = too_many if too_many is not None and too_many > since else horizon
    return Window(epoch, since, max(below, since))


def _append_heartbeat(chain: SealChain, window: Window) -> None:
    if window.xid_below > window.xid_from:
        chain.append_events([], window, Kind.HEARTBEAT)
    else:
        # Not one transaction since: there is nothing to say but that we are here.
        chain.append_note(Kind.HEARTBEAT, {})


def _is_silent(chain: SealChain, *, now: datetime) -> bool:
    return chain.last is not None and now - chain.last.sealed_at >= HEARTBEAT


def _ask(question: str, *values: str | int, **named: int) -> tuple[Any, ...]:
    with connections[RETENTION].cursor() as cursor:
        cursor.execute(question, named or values)
        answer = cursor.fetchone()
    return tuple(answer or ())
