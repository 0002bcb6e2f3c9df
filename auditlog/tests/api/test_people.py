"""One person over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from auditlog.models import Event
from auditlog.tests.detection.factories import make_habits
from auditlog.tests.factories import (
    destroy_key,
    forget_cached_keys,
    make_actor,
    make_event,
)
from auditlog.tests.incidents.factories import make_incident
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
Api = Callable[..., Any]


def path_of(person: Any) -> str:
    return f"/api/v1/audit/people/{subject_keys().pseudonym(person.id)}"


def test_it_has_what_the_page_has(api: Api, admin: Any, alice: Any) -> None:
    event = make_event(actor=make_actor(alice))
    incident = make_incident(alice.id)
    pseudonym = make_habits(alice.id)

    answer = api(admin).get(path_of(alice))

    body = answer.json()
    assert (body["user_id"], body["actor_name"]) == (str(pseudonym), "alice")
    assert (body["is_erased"], body["is_active"]) == (False, True)
    assert body["roles"] == [{"name": "sales_manager", "label": "Sales Manager"}]
    assert body["last_at"] == event.occurred_at.isoformat()
    assert (len(body["days"]), len(body["hours"])) == (28, 24)
    assert sum(day["queries"] for day in body["days"]) == 1
    assert body["usual_day"] == {"queries": 1.7}
    assert [day["aspect"] for day in body["unlike_days"]] == ["reads"]
    assert [place["digest"] for place in body["networks"]] == [(b"n" * 6).hex()]
    assert [row["label"] for row in body["incidents"]] == [incident.label]
    assert [row["incident"] for row in body["alerts"]] == [str(incident.id)]
    assert [row["id"] for row in body["events"]] == [str(event.event_id)]
    assert str(alice.id) not in answer.content.decode()
    assert Event.objects.filter(event_type="auditlog.person_read").count() == 1


def test_only_auditors_read(
    api: Api, auditor: Any, alice: Any, bob: Any, charlie: Any
) -> None:
    path = path_of(alice)

    assert api().get(path).status_code == 401
    for somebody in (alice, bob, charlie):
        assert api(somebody).get(path).status_code == 403
    body = api(auditor).get(path).json()
    assert (body["actor_name"], body["roles"]) == ("alice", None)


def test_a_stranger_cannot_tell_whether_a_person_exists(
    api: Api, alice: Any, charlie: Any
) -> None:
    client = api(charlie)

    for path in (path_of(alice), f"/api/v1/audit/people/{uuid7()}"):
        assert client.get(path).status_code == 403


def test_it_is_read_only(api: Api, admin: Any, alice: Any) -> None:
    client = api(admin)

    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)(path_of(alice), {}).status_code == 405


def test_the_erased_and_the_unknown(api: Api, admin: Any, alice: Any) -> None:
    make_event(actor=make_actor(alice))
    erased, client = path_of(alice), api(admin)
    destroy_key(alice.id)
    forget_cached_keys()

    body = client.get(erased).json()

    assert (body["is_erased"], body["actor_name"], body["roles"]) == (True, None, None)
    assert [row["event_type"] for row in body["events"]] == ["chatbot_query"]
    # What her account is known by now leads to nothing.
    assert client.get(path_of(alice)).status_code == 404
    assert client.get(f"/api/v1/audit/people/{uuid7()}").status_code == 404
