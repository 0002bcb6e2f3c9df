"""Messages about incidents: written with what they tell of, sent afterwards.

A worker that dies between sending and saying so sends again; the message keeps its id.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from auditlog import events
from auditlog.constants import (
    DELIVERY_BATCH,
    DELIVERY_DIGEST,
    DELIVERY_FIRST_PAUSE,
    DELIVERY_LEASE,
    DELIVERY_LONGEST_PAUSE,
    DELIVERY_TRIES,
    SEVERITIES,
)
from auditlog.models import Delivery, Incident, IncidentEntry, Route
from auditlog.routes import address_of, next_open, secret_of
from auditlog.services import deliveries, messages
from auditlog.services.deliveries import Endpoint
from auditlog.services.messages import Message
from auditlog.services.recording import Target, record
from chatsec.core.context import SYSTEM
from chatsec.core.crypto import DecryptionFailed
from chatsec.core.jobs import enqueue
from chatsec.core.outbound import OutboundFailed, OutboundRefused

logger = logging.getLogger(__name__)

TASK: Final = "auditlog.tasks.deliver_messages"
FAILURES: Final = (
    OutboundFailed,
    OutboundRefused,
    SMTPException,
    OSError,
    DecryptionFailed,
)


def tell_routes(incident: Incident, reason: str, *, now: datetime) -> None:
    """Have every route told that is meant to hear of it, if this commits.

    Call it while the incident's row is locked or new: nobody else writes its messages.
    That it ended is told only to those who heard of it.
    """
    rank = SEVERITIES.index(incident.severity)
    routes = Route.objects.filter(
        is_enabled=True, minimal_severity__in=SEVERITIES[: rank + 1]
    )
    if reason == "resolved":
        told = Delivery.objects.filter(incident=incident).values("route")
        routes = routes.filter(pk__in=told)
    # Held, so that none of them is removed before this commits.
    for route in routes.select_for_update(no_key=True).order_by("pk"):
        _write(route, incident, [reason], now=now)
        enqueue(TASK)


def _write(
    route: Route, incident: Incident, reasons: list[str], *, now: datetime
) -> None:
    waiting = (
        Delivery.objects.select_for_update()
        .filter(route=route, incident=incident, state="pending")
        .first()
    )
    if waiting is not None:
        waiting.reasons = list(dict.fromkeys([*waiting.reasons, *reasons]))
        waiting.save(update_fields=["reasons"])
        return
    Delivery.objects.create(
        route=route,
        incident=incident,
        reasons=reasons,
        due_at=next_open(route, _after_digest(route, incident, now=now)),
        created_at=now,
    )


def _after_digest(route: Route, incident: Incident, *, now: datetime) -> datetime:
    told = Delivery.objects.filter(route=route, incident=incident, state="sent")
    last = told.order_by("sent_at").values_list("sent_at", flat=True).last()
    return now if last is None else max(now, last + DELIVERY_DIGEST)


def deliver_due(*, now: datetime | None = None) -> int:
    """Send what is due, each message by one worker at a time; return how many went."""
    sent = 0
    for _ in range(DELIVERY_BATCH):
        delivery = _lease(now or timezone.now())
        if delivery is None:
            break
        if delivery.tries > DELIVERY_TRIES:  # every worker that tried it died of it
            _try_later(delivery.id, "interrupted", now=now or timezone.now())
            continue
        sent += _deliver(delivery, now=now)
    return sent


def _lease(now: datetime) -> Delivery | None:
    """Take one message that is due; until its lease is over nobody else has it."""
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("route", "incident")
            .filter(state="pending", due_at__lte=now, route__is_enabled=True)
            .order_by("due_at")
            .first()
        )
        if delivery is None:
            return None
        delivery.due_at = now + DELIVERY_LEASE
        delivery.tries += 1
        delivery.save(update_fields=["due_at", "tries"])
    return delivery


def _deliver(delivery: Delivery, *, now: datetime | None) -> bool:
    told = list(delivery.reasons)
    message = messages.about(delivery.incident, reasons=told, id=delivery.id)
    try:
        send(delivery.route, message)
    except FAILURES as error:
        _try_later(delivery.id, shape_of(error), now=now or timezone.now())
        return False
    _arrived(delivery.id, told, now=now or timezone.now())
    return True


def send(route: Route, message: Message) -> None:
    """Hand the message to the route's channel; raise one of FAILURES."""
    address = address_of(route)
    match route.channel:
        case "mail":
            messages.as_mail(message, to=address).send()
        case "slack":
            headers = {"Content-Type": deliveries.JSON_TYPE}
            deliveries.post(address, messages.as_slack(message), headers=headers)
        case _:
            endpoint = Endpoint(address, secret_of(route))
            body = messages.as_json(message)
            deliveries.post_signed(endpoint, body, delivery_id=message.id)


def shape_of(error: BaseException) -> str:
    """Return what kind of failure it was, without any word of the other side."""
    if isinstance(error, OutboundRefused):
        return "refused: the address may not be called"
    reason: str = getattr(error, "reason", "")
    return (reason or type(error).__name__)[:80]


def _arrived(delivery_id: UUID, told: list[str], *, now: datetime) -> None:
    """Note that it is there; what happened while it went gets a message of its own."""
    with transaction.atomic():
        delivery = _locked(delivery_id)
        if delivery is None:
            return
        left = [reason for reason in delivery.reasons if reason not in told]
        delivery.state, delivery.sent_at, delivery.last_error = "sent", now, ""
        delivery.reasons = told
        delivery.save()
        Route.objects.filter(pk=delivery.route_id).update(last_sent_at=now)
        _tell_story(delivery, now=now)
        if left:
            _write(delivery.route, delivery.incident, left, now=now)


def _try_later(delivery_id: UUID, shape: str, *, now: datetime) -> None:
    logger.warning("a message about an incident did not go out (%s)", shape)
    with transaction.atomic():
        delivery = _locked(delivery_id)
        if delivery is None:
            return
        delivery.last_error = shape
        if delivery.tries >= DELIVERY_TRIES:
            _give_up(delivery, now=now)
        else:
            later = now + pause_after(delivery.tries)
            delivery.due_at = next_open(delivery.route, later)
        delivery.save()


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many failures: twice as long each time."""
    doubled: timedelta = DELIVERY_FIRST_PAUSE * 2 ** min(tries - 1, 10)
    return min(doubled, DELIVERY_LONGEST_PAUSE)


def _give_up(delivery: Delivery, *, now: datetime) -> None:
    delivery.state, delivery.due_at = "given_up", now
    _tell_story(delivery, now=now)
    record(
        events.MESSAGE_GIVEN_UP,
        actor=SYSTEM,
        outcome="failure",
        target=Target("auditlog.Route", delivery.route_id),
        details={
            "incident": delivery.incident.number,
            "tries": delivery.tries,
            "error_type": delivery.last_error,
        },
    )


def _tell_story(delivery: Delivery, *, now: datetime) -> None:
    IncidentEntry.objects.create(
        incident=delivery.incident,
        kind="notified",
        at=now,
        facts={"route": str(delivery.route_id), "status": delivery.state},
    )


def _locked(delivery_id: UUID) -> Delivery | None:
    """Return the message if it still waits: another worker may have been faster.

    Held in the order in which everybody holds them: incident, route, message.
    """
    found = Delivery.objects.filter(pk=delivery_id).first()
    if found is None:
        return None
    for rows, pk in ((Incident, found.incident_id), (Route, found.route_id)):
        rows.objects.select_for_update(no_key=True).filter(pk=pk).first()
    return (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("route", "incident")
        .filter(pk=delivery_id, state="pending")
        .first()
    )
