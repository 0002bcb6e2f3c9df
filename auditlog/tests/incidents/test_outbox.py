"""Messages about incidents arrive, once if all goes well, and never say who."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings
from uuid_utils.compat import uuid7

from auditlog import tasks
from auditlog.constants import DELIVERY_DIGEST, DELIVERY_TRIES
from auditlog.models import Delivery, Event, Incident, Route
from auditlog.routes import next_open, secret_of
from auditlog.services import incidents, outbox
from auditlog.services.deliveries import Endpoint, post_signed
from auditlog.tests.factories import Somebody, make_actor
from auditlog.tests.incidents.factories import make_alert, make_incident, make_route
from auditlog.tests.incidents.receiver import Receiver
from chatsec.core.crypto import subject_keys
from chatsec.core.outbound import OutboundFailed, OutboundRefused

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SECONDS = timedelta(seconds=1)


def signature_holds(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Return what a receiver finds, in its own words."""
    key = b64decode(secret.removeprefix("whsec_"))
    start = f"{headers['webhook-id']}.{headers['webhook-timestamp']}."
    digest = hmac.new(key, start.encode() + body, sha256).digest()
    return headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"


def test_a_mailbox_is_told_with_a_pseudonym_and_a_link() -> None:
    make_route()
    person = Somebody()
    incident = make_incident(person.id)

    assert tasks.deliver_messages() == 1

    (letter,) = mail.outbox
    assert letter.to == ["soc@example.org"]
    assert incident.label in letter.subject
    assert "critical" in letter.subject
    text = str(letter.body)
    assert f"/admin/audit/incidents/{incident.id}" in text
    assert str(subject_keys().pseudonym(person.id)) in text
    assert str(person.id) not in text
    delivery = Delivery.objects.get()
    assert delivery.state == "sent"
    assert str(delivery.id) in letter.extra_headers["Message-ID"]
    assert incident.entries.filter(kind="notified").count() == 1
    assert outbox.deliver_due() == 0


def test_slack_gets_text_that_mentions_nobody(receiver: Receiver) -> None:
    make_route("slack", receiver.url)
    incident = make_incident()
    Incident.objects.update(title="<!channel> & <b>")

    outbox.deliver_due()

    (got,) = receiver.got
    assert got.path == "/hook/of-secrets"
    assert got.headers["Content-Type"] == "application/json"
    assert "webhook-signature" not in got.headers
    text = got.json()["text"]
    assert "&lt;!channel&gt; &amp; &lt;b&gt;" in text
    assert f"/admin/audit/incidents/{incident.id}|Open the incident>" in text


def test_a_webhook_is_signed_and_carries_its_id(receiver: Receiver) -> None:
    route = make_route("webhook", receiver.url)
    incident = make_incident()

    outbox.deliver_due()

    (got,) = receiver.got
    assert signature_holds(got.headers, got.body, secret_of(route))
    body = got.json()
    assert body["delivery_id"] == got.headers["webhook-id"]
    assert body["delivery_id"] == str(Delivery.objects.get().id)
    assert body["reasons"] == ["opened"]
    assert body["incident"]["label"] == incident.label
    assert body["incident"]["user_id"] == str(incident.actor_pseudonym)
    assert body["runbook_url"].endswith("#runbook")


def test_post_signed_raises_where_nothing_took_it(receiver: Receiver) -> None:
    endpoint, delivery_id = Endpoint(receiver.url, "s3cret"), uuid7()
    receipt = post_signed(endpoint, b"[]", delivery_id=delivery_id)
    assert (receipt.delivery_id, receipt.status) == (delivery_id, 204)

    receiver.status = 500
    with pytest.raises(OutboundFailed) as failed:
        post_signed(endpoint, b"[]", delivery_id=delivery_id)
    assert failed.value.reason == "status 500"
    with pytest.raises(OutboundRefused):
        post_signed(Endpoint("http://127.0.0.1:9/", "s"), b"", delivery_id=delivery_id)


@pytest.mark.parametrize(
    ("minimal", "is_enabled", "told"),
    [("critical", True, 1), ("info", True, 1), ("info", False, 0)],
)
def test_who_is_told(minimal: str, *, is_enabled: bool, told: int) -> None:
    make_route(minimal_severity=minimal, is_enabled=is_enabled)

    make_incident()

    assert Delivery.objects.count() == told


def test_a_route_hears_of_its_severity_and_above() -> None:
    make_route(minimal_severity="critical")
    incident = make_incident()
    Delivery.objects.all().delete()
    Incident.objects.update(severity="error")
    incident.refresh_from_db()

    outbox.tell_routes(incident, "reopened", now=timezone.now())

    assert not Delivery.objects.exists()


def test_a_storm_of_alerts_is_one_message() -> None:
    make_route()
    person = Somebody()
    for rule in ("denials_in_5_minutes", "denials_in_1_hour", "queries_in_24_hours"):
        for _ in range(5):
            make_incident(person.id, rule=rule)

    outbox.deliver_due()

    (letter,) = mail.outbox
    assert "alerts: 15" in str(letter.body)


def test_what_follows_waits_and_is_one_message() -> None:
    make_route()
    person, now = Somebody(), timezone.now()
    incident = make_incident(person.id)
    outbox.deliver_due(now=now + SECONDS)

    for _ in range(3):
        incidents.resolve(make_actor(), incident.id, verdict="benign")
        make_incident(person.id)
    assert outbox.deliver_due(now=now + DELIVERY_DIGEST - MINUTE) == 0
    assert outbox.deliver_due(now=now + DELIVERY_DIGEST + MINUTE) == 1

    assert len(mail.outbox) == 2
    assert Delivery.objects.latest("id").reasons == ["resolved", "reopened"]


def test_the_end_is_told_only_to_those_who_heard_of_the_beginning() -> None:
    incident = make_incident()
    make_route()

    incidents.resolve(make_actor(), incident.id, verdict="benign")

    assert not Delivery.objects.exists()


def test_a_failure_is_tried_again_with_the_same_id(receiver: Receiver) -> None:
    make_route("webhook", receiver.url)
    make_incident()
    now, receiver.status = timezone.now(), 503

    assert outbox.deliver_due(now=now) == 0
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.last_error) == ("pending", "status 503")
    assert outbox.deliver_due(now=now + 29 * SECONDS) == 0
    receiver.status = 200
    assert outbox.deliver_due(now=now + 31 * SECONDS) == 1

    ids = [got.json()["delivery_id"] for got in receiver.got]
    assert ids == [str(delivery.id)] * 2


def test_pauses_double_up_to_an_hour() -> None:
    pauses = [outbox.pause_after(tries).total_seconds() for tries in range(1, 13)]

    assert pauses[:4] == [30, 60, 120, 240]
    assert pauses[-1] == 3600
    assert timedelta(hours=5) < timedelta(seconds=sum(pauses[:-1])) < timedelta(hours=7)


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_what_never_arrives_is_given_up_loudly(receiver: Receiver, status: int) -> None:
    make_route("webhook", receiver.url)
    incident = make_incident()
    now, receiver.status = timezone.now(), status

    for _ in range(DELIVERY_TRIES + 3):
        outbox.deliver_due(now=now)
        now += timedelta(hours=2)

    assert len(receiver.got) == DELIVERY_TRIES
    delivery = Delivery.objects.get()
    assert delivery.state == "given_up"
    event = Event.objects.get(event_type="auditlog.message_given_up")
    assert (event.category, event.severity) == ("security", "error")
    entry = incident.entries.get(kind="notified")
    assert entry.facts["status"] == "given_up"


def test_an_address_inside_is_refused_at_sending_too(
    receiver: Receiver, settings: Settings
) -> None:
    make_route("webhook", receiver.url)
    make_incident()
    settings.CHATSEC_OUTBOUND_ALLOWED = frozenset()

    assert outbox.deliver_due() == 0

    assert receiver.got == []
    assert "may not be called" in Delivery.objects.get().last_error


def test_a_message_that_kills_its_workers_is_given_up() -> None:
    make_route()
    make_incident()
    Delivery.objects.update(tries=DELIVERY_TRIES)

    assert outbox.deliver_due() == 0

    assert Delivery.objects.get().state == "given_up"
    assert mail.outbox == []


def test_what_happens_while_a_message_goes_gets_its_own() -> None:
    make_route()
    incident, now = make_incident(), timezone.now()
    delivery = outbox._lease(now + SECONDS)
    assert delivery is not None

    outbox.tell_routes(incident, "escalated", now=now)
    outbox._deliver(delivery, now=now)

    states = Delivery.objects.order_by("id").values_list("state", "reasons")
    assert list(states) == [("sent", ["opened"]), ("pending", ["escalated"])]


def test_messages_and_failures_open_no_incident(receiver: Receiver) -> None:
    make_route("webhook", receiver.url)
    make_incident()
    receiver.status = 500
    for _ in range(3):
        outbox.deliver_due(now=timezone.now() + timedelta(days=1))
    tasks.run_rules()

    assert Incident.objects.count() == 1


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "weekdays_only", "now", "expected"),
    [
        # 2026-11-20 is a Friday; the organisation is in Berlin, an hour ahead.
        (("", ""), False, "2026-11-21 03:00", "2026-11-21 03:00"),
        (("09:00", "17:00"), False, "2026-11-20 08:00", "2026-11-20 08:00"),
        (("09:00", "17:00"), False, "2026-11-20 07:59", "2026-11-20 08:00"),
        (("09:00", "17:00"), False, "2026-11-20 16:00", "2026-11-21 08:00"),
        (("09:00", "17:00"), True, "2026-11-20 16:00", "2026-11-23 08:00"),
        (("", ""), True, "2026-11-21 12:00", "2026-11-22 23:00"),
        (("22:00", "06:00"), False, "2026-11-20 23:00", "2026-11-20 23:00"),
        (("22:00", "06:00"), False, "2026-11-20 12:00", "2026-11-20 21:00"),
    ],
)
def test_outside_of_its_hours_a_route_is_told_when_they_begin(
    settings: Settings,
    hours: tuple[str, str],
    now: str,
    expected: str,
    *,
    weekdays_only: bool,
) -> None:
    settings.CHATSEC_TIME_ZONE = "Europe/Berlin"
    starts, ends = (time.fromisoformat(hour) if hour else None for hour in hours)
    route = Route(starts_at=starts, ends_at=ends, weekdays_only=weekdays_only)

    assert next_open(route, at(now)) == at(expected)


def test_a_message_waits_for_the_hours_of_its_route(settings: Settings) -> None:
    settings.CHATSEC_TIME_ZONE = "UTC"
    make_route(starts_at=time(9), ends_at=time(10))

    incidents.take_alert(make_alert(), now=at("2026-11-20 11:00"))

    assert Delivery.objects.get().due_at == at("2026-11-21 09:00")


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_a_message_once(receiver: Receiver) -> None:
    make_route("webhook", receiver.url)
    for _ in range(3):
        make_incident()
    barrier = Barrier(4)
    sent: list[int] = []

    def work() -> None:
        barrier.wait()
        try:
            sent.append(outbox.deliver_due())
        finally:
            connections.close_all()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(sent) == 3
    assert len({got.json()["delivery_id"] for got in receiver.got}) == 3
    assert len(receiver.got) == 3


@pytest.mark.django_db(transaction=True)
def test_an_incident_that_is_rolled_back_is_told_to_nobody() -> None:
    make_route()
    alert = make_alert()

    with transaction.atomic():
        incidents.take_alert(alert)
        transaction.set_rollback(True)

    assert not Delivery.objects.exists()
    assert outbox.deliver_due() == 0
