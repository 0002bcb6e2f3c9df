"""Who is told of incidents: routes are added, changed, tried out and removed here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import events
from auditlog.addresses import address_problem
from auditlog.constants import CHANNELS, SEVERITIES
from auditlog.models import Route
from auditlog.routes import seal_in
from auditlog.services import messages, outbox
from auditlog.services.recording import Target, record
from auditlog.signatures import new_secret
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Invalid, NotFound

MAX_NAME: Final = 80
INVALID: Final = "Some fields are not valid."


@dataclass(frozen=True, slots=True)
class Terms:
    """What a route shall be; an empty address leaves the present one."""

    name: str
    channel: str
    address: str
    minimal_severity: str = "warning"
    starts_at: time | None = None
    ends_at: time | None = None
    weekdays_only: bool = False
    is_enabled: bool = True


def save_route(actor: Actor, route: Route, terms: Terms) -> str | None:
    """Write the route down; return the secret of a webhook that has none yet.

    The secret is shown this once. A route that is switched off forgets what waits.
    """
    _check(route, terms)
    secret = None
    before = _described(route)
    is_new = route.created_at is None
    if is_new:
        route.created_at = timezone.now()
    for name in ("name", "channel", "minimal_severity", "starts_at", "ends_at"):
        setattr(route, name, getattr(terms, name))
    route.weekdays_only, route.is_enabled = terms.weekdays_only, terms.is_enabled
    if terms.address:
        route.address = seal_in(route.id, "address", terms.address)
    if terms.channel == "webhook" and not route.secret:
        secret = _new_secret(route)
    try:
        with transaction.atomic():
            route.save()
            if not route.is_enabled:
                route.deliveries.filter(state="pending").delete()
            _evidence(actor, route, "added" if is_new else "changed", before=before)
    except IntegrityError as error:
        problem = "Another route is called so."
        raise Invalid(INVALID, fields={"name": [problem]}) from error
    return secret


def change_secret(actor: Actor, route: Route) -> str:
    """Give a webhook a new secret and return it, this once."""
    if route.channel != "webhook":
        raise Conflict("Only signed webhooks have a secret.", code="route_unsigned")
    secret = _new_secret(route)
    with transaction.atomic():
        route.save(update_fields=["secret"])
        _evidence(actor, route, "secret changed")
    return secret


def remove_route(actor: Actor, route: Route) -> None:
    """Take the route away, with everything that was to be sent over it."""
    with transaction.atomic():
        if not Route.objects.select_for_update().filter(pk=route.pk).first():
            raise NotFound("There is no such route.")
        _evidence(actor, route, "removed")
        Route.objects.filter(pk=route.pk).delete()


def try_route(actor: Actor, route: Route) -> None:
    """Send a message at once that says only that messages arrive.

    Raise Invalid with what went wrong beside the address.
    """
    try:
        outbox.send(route, messages.trial(uuid7()))
    except outbox.FAILURES as error:
        shape = outbox.shape_of(error)
        _tested(actor, route, shape)
        problem = f"The test message did not arrive: {shape}."
        raise Invalid(INVALID, fields={"address": [problem]}) from error
    _tested(actor, route, "")
    Route.objects.filter(pk=route.pk).update(last_sent_at=timezone.now())


def _check(route: Route, terms: Terms) -> None:
    problems: dict[str, list[str]] = {}
    if not terms.name.strip() or len(terms.name) > MAX_NAME:
        problems["name"] = [f"A name of at most {MAX_NAME} characters."]
    if terms.channel not in CHANNELS:
        problems["channel"] = ["There is no such channel."]
    if terms.minimal_severity not in SEVERITIES:
        problems["minimal_severity"] = ["There is no such severity."]
    if problem := _address_problem(route, terms):
        problems["address"] = [problem]
    if (terms.starts_at is None) != (terms.ends_at is None):
        problems["ends_at"] = ["Give both hours or none."]
    elif terms.starts_at is not None and terms.starts_at == terms.ends_at:
        problems["ends_at"] = ["These hours are empty."]
    if problems:
        raise Invalid(INVALID, fields=problems)


def _address_problem(route: Route, terms: Terms) -> str:
    if terms.address:
        return address_problem(terms.channel, terms.address)
    if not route.address:
        return "Required."
    # What is kept would be read as another kind of address.
    return "" if terms.channel == route.channel else "Required for another channel."


def _new_secret(route: Route) -> str:
    secret = new_secret()
    route.secret = seal_in(route.id, "secret", secret)
    return secret


def _described(route: Route) -> dict[str, str]:
    names = ("channel", "minimal_severity", "is_enabled", "starts_at", "ends_at")
    return {name: str(getattr(route, name)) for name in names}


def _evidence(
    actor: Actor, route: Route, action: str, *, before: dict[str, str] | None = None
) -> None:
    after = _described(route)
    changed = [name for name in after if before and before[name] != after[name]]
    record(
        events.ROUTE_CHANGED,
        actor=actor,
        target=Target("auditlog.Route", route.id, label=route.name),
        details={"action": action, "columns": [*changed], **after},
    )


def _tested(actor: Actor, route: Route, shape: str) -> None:
    record(
        events.ROUTE_TESTED,
        actor=actor,
        outcome="failure" if shape else "success",
        target=Target("auditlog.Route", route.id, label=route.name),
        details={"error_type": shape} if shape else {},
    )
