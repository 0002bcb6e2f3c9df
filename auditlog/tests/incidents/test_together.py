"""Everybody at once: nobody waits for somebody who waits for him."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Barrier, Thread

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from auditlog.models import Alert, Delivery, Incident
from auditlog.services import incidents, outbox, routing
from auditlog.services.detection import run_rules
from auditlog.services.routing import Terms
from auditlog.tests.factories import make_actor, make_denials
from auditlog.tests.incidents.factories import make_alert, make_incident, make_route
from chatsec.core.errors import Conflict

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4
Act = Callable[[], object]
# Of locks, not of activity: that is a picture from the transaction's beginning.
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def at_once(acts: list[Act]) -> list[Exception]:
    """Run the acts on connections of their own; return what went wrong."""
    barrier, wrong = Barrier(len(acts)), []

    def run(act: Act) -> None:
        try:
            barrier.wait()
            act()
        except Conflict:
            pass  # somebody was faster, and that was said
        except Exception as error:  # noqa: BLE001 - it is the result
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_scans_handlers_and_workers_get_along() -> None:
    actor, handler, now = make_actor(), make_actor(), timezone.now()
    route = make_route()
    off = Terms(name="SOC", channel="mail", address="", is_enabled=False)
    on = Terms(name="SOC", channel="mail", address="")
    routing.save_route(handler, route, on)
    second = timedelta(seconds=1)
    make_denials(actor, count=12, every=second, until=now)
    run_rules(now=now)
    incident = Incident.objects.get()
    assert actor.id is not None
    for number in range(1, ROUNDS):
        later = now + 10 * number * second
        make_denials(actor, count=2, every=second, until=later)
        assert not at_once(
            [
                partial(run_rules, now=later),
                lambda: incidents.resolve(handler, incident.pk, verdict="benign"),
                lambda: incidents.take_alert(make_alert(actor.id, rule="new_device")),
                lambda: outbox.deliver_due(now=timezone.now() + timedelta(hours=1)),
                lambda: routing.save_route(handler, route, off),
            ]
        )
        routing.save_route(handler, route, on)

    for alert in Alert.objects.select_related("incident"):
        assert alert.incident is not None
        assert alert.state == alert.incident.state
    waiting = Delivery.objects.filter(state="pending").values_list("incident", "route")
    assert len(set(waiting)) == len(waiting)


class Beside:
    """An act on a connection of its own, begun while this transaction holds things."""

    def __init__(self, act: Act) -> None:
        self.came_to: object = None
        self._act = act
        self._thread = Thread(target=self._run)
        self._thread.start()
        self._wait_until_it_waits()

    def join(self) -> object:
        """Return what the act came to, an exception too."""
        self._thread.join()
        return self.came_to

    def _run(self) -> None:
        try:
            self.came_to = self._act()
        except Exception as error:  # noqa: BLE001 - it is the result
            self.came_to = error
        finally:
            connections.close_all()

    def _wait_until_it_waits(self) -> None:
        for _ in range(1000):
            with connection.cursor() as cursor:
                cursor.execute(WAITING)
                if cursor.fetchone()[0] or not self._thread.is_alive():
                    return
            self._thread.join(0.01)
        pytest.fail("it neither waits nor ends")


def test_an_alert_grows_while_its_incident_is_being_resolved() -> None:
    alert, handler = make_alert(), make_actor()
    incident = incidents.take_alert(alert)

    with transaction.atomic():
        # As a scan does it.
        incidents.take_turn()
        alert.count += 1
        alert.save(update_fields=["count"])
        act = partial(incidents.resolve, handler, incident.pk, verdict="benign")
        beside = Beside(act)
        incidents.alert_grew(alert)

    assert isinstance(beside.join(), Incident)
    alert.refresh_from_db()
    assert (alert.state, alert.count) == ("resolved", 5)


def test_a_message_arrives_while_its_incident_ends() -> None:
    make_route()
    incident = make_incident()
    now = timezone.now()
    delivery = outbox._lease(now + timedelta(seconds=1))
    assert delivery is not None

    with transaction.atomic():
        incidents.resolve(make_actor(), incident.pk, verdict="benign")
        beside = Beside(partial(outbox._deliver, delivery, now=now))
        # Once more, as whatever follows in the same transaction may.
        outbox.tell_routes(incident, "escalated", now=now)

    assert beside.join() is True
    states = Delivery.objects.order_by("id").values_list("state", "reasons")
    assert list(states) == [
        ("sent", ["opened"]),
        ("pending", ["resolved", "escalated"]),
    ]
