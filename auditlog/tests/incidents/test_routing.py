"""Routes: what is taken, what is kept sealed, what is evidence."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.core import mail
from pytest_django import Settings

from auditlog.models import Delivery, Event, Route
from auditlog.routes import address_of, secret_of, shown_address
from auditlog.services import routing
from auditlog.services.routing import Terms
from auditlog.tests.factories import make_actor
from auditlog.tests.incidents.factories import make_incident, make_route
from auditlog.tests.incidents.receiver import Receiver
from chatsec.core.crypto import DecryptionFailed
from chatsec.core.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.django_db
HOOK = "https://hooks.example.org/services/T0/B0/of-secrets"


def refused_fields(**terms: Any) -> set[str]:
    wanted = {"name": "SOC", "channel": "webhook", "address": HOOK, **terms}
    with pytest.raises(Invalid) as refused:
        routing.save_route(make_actor(), Route(), Terms(**wanted))
    assert not Route.objects.exists()
    return set(refused.value.fields)


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 81}),
        ("channel", {"channel": "pigeon"}),
        ("minimal_severity", {"minimal_severity": "awful"}),
        ("address", {"address": ""}),
        ("address", {"channel": "mail", "address": "nobody"}),
        ("address", {"channel": "mail", "address": "a@example.org\nBcc: b@c.org"}),
        ("address", {"address": "ftp://example.org/"}),
        ("address", {"address": "http://example.org/"}),
        ("address", {"address": "https://"}),
        ("address", {"address": "https://user:word@example.org/"}),
        ("address", {"address": "https://example.org:notaport/"}),
        ("address", {"address": "https://[broken/"}),
        ("address", {"address": "https://exa mple.org/"}),
        ("address", {"address": "https://127.0.0.1/"}),
        ("address", {"address": "https://[::1]/"}),
        ("address", {"address": "https://2130706433/"}),
        ("address", {"address": "https://localhost/"}),
        ("address", {"address": f"https://example.org/{'a' * 2000}"}),
        ("ends_at", {"starts_at": time(9)}),
        ("ends_at", {"starts_at": time(9), "ends_at": time(9)}),
    ],
)
def test_it_refuses(field: str, terms: dict[str, Any]) -> None:
    assert refused_fields(**terms) == {field}


def test_addresses_and_secrets_are_sealed_and_bound_to_their_route() -> None:
    route, other = make_route("webhook", HOOK), make_route("webhook", f"{HOOK}2")

    stored = Route.objects.get(pk=route.pk)
    assert address_of(stored) == HOOK
    assert b"hooks" not in bytes(stored.address)
    assert secret_of(stored).encode() not in bytes(stored.secret or b"")
    assert shown_address(stored) == "https://hooks.example.org/…"
    stored.address = other.address
    with pytest.raises(DecryptionFailed):
        address_of(stored)


def test_an_inside_address_that_is_named_is_taken(settings: Settings) -> None:
    settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({"soc.internal:8080"})

    route = make_route("webhook", "http://soc.internal:8080/hook")

    assert shown_address(route) == "http://soc.internal:8080/…"


def test_a_webhook_gets_a_secret_once_and_others_none() -> None:
    route = Route()
    terms = Terms(name="SOC", channel="webhook", address=HOOK)
    secret = routing.save_route(make_actor(), route, terms)

    assert secret == secret_of(route)
    assert routing.save_route(make_actor(), route, terms) is None
    changed = routing.change_secret(make_actor(), route)
    assert changed not in ("", secret)
    assert secret_of(Route.objects.get()) == changed
    slack = Route()
    terms = Terms(name="Room", channel="slack", address=HOOK)
    assert routing.save_route(make_actor(), slack, terms) is None
    with pytest.raises(Conflict):
        routing.change_secret(make_actor(), slack)


def test_an_empty_address_leaves_the_present_one_of_the_same_channel() -> None:
    route = make_route("webhook", HOOK)

    terms = Terms(name="Renamed", channel="webhook", address="")
    routing.save_route(make_actor(), route, terms)
    assert address_of(Route.objects.get()) == HOOK
    terms = Terms(name="Renamed", channel="mail", address="")
    with pytest.raises(Invalid) as refused:
        routing.save_route(make_actor(), route, terms)
    assert set(refused.value.fields) == {"address"}


def test_two_routes_are_not_called_the_same() -> None:
    make_route(name="SOC")

    with pytest.raises(Invalid) as refused:
        make_route(name="SOC")

    assert set(refused.value.fields) == {"name"}


def test_switching_off_forgets_what_waits() -> None:
    route = make_route()
    make_incident()

    terms = Terms(name="SOC", channel="mail", address="", is_enabled=False)
    routing.save_route(make_actor(), route, terms)

    assert not Delivery.objects.exists()


def test_every_change_is_evidence_without_the_address() -> None:
    actor = make_actor()
    route = Route()
    terms = Terms(name="SOC", channel="webhook", address=HOOK)
    routing.save_route(actor, route, terms)
    routing.save_route(actor, route, terms)
    routing.change_secret(actor, route)
    routing.remove_route(actor, route)

    events = Event.objects.filter(event_type="auditlog.route_changed")
    assert events.count() == 4
    assert {event.resource_id for event in events} == {str(route.id)}
    with pytest.raises(NotFound):
        routing.remove_route(actor, route)


def test_a_test_message_goes_at_once(receiver: Receiver) -> None:
    route = make_route("webhook", receiver.url)

    routing.try_route(make_actor(), route)

    (got,) = receiver.got
    assert got.json()["reasons"] == ["test"]
    assert Event.objects.filter(event_type="auditlog.route_tested").count() == 1
    assert Route.objects.get().last_sent_at is not None


def test_a_test_that_fails_says_what_went_wrong(receiver: Receiver) -> None:
    route = make_route("slack", receiver.url)
    receiver.status = 404

    with pytest.raises(Invalid) as refused:
        routing.try_route(make_actor(), route)

    assert refused.value.fields["address"] == [
        "The test message did not arrive: status 404."
    ]
    assert Event.objects.get(event_type="auditlog.route_tested").outcome == "failure"


def test_a_mailbox_is_tried_out_too() -> None:
    routing.try_route(make_actor(), make_route())

    (letter,) = mail.outbox
    assert "a test" in letter.subject
