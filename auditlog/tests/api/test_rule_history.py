"""The history of a rule over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from auditlog.models import Event
from auditlog.services import detection
from auditlog.tests.detection.factories import rule_named, terms_of
from auditlog.tests.factories import make_actor
from chatsec.core import context
from chatsec.core.context import RequestContext
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
Api = Callable[..., Any]


def path_of(rule: object) -> str:
    return f"/api/v1/audit/rules/{rule}/history"


def change(name: str, *, version: int = 1, **changes: object) -> None:
    rule = rule_named(name)
    terms = terms_of(rule, **changes)
    detection.change_rule(rule.id, terms, version=version, reason="Too loud")


@pytest.fixture
def tuner(erin: Any, allow: Any) -> Any:
    """Return somebody who changes detection, and may not read the log."""
    allow(erin, "manage_detection")
    return erin


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 401),
        ("charlie", 403),
        ("alice", 403),
        ("tuner", 403),
        ("auditor", 200),
        ("admin", 200),
    ],
)
def test_who_may_read_the_log_may_read_it_and_nobody_else(
    api: Api, request: Any, who: str | None, status: int
) -> None:
    user = request.getfixturevalue(who) if who else None

    there = api(user).get(path_of("blocked_messages"))
    not_there = api(user).get(path_of("nothing"))

    assert there.status_code == status
    # Who may not read cannot tell which rules there are.
    assert not_there.status_code == (404 if status == 200 else status)


def test_a_change_is_said_with_old_and_new_and_why(
    api: Api, admin: Any, alice: Any
) -> None:
    old = rule_named("blocked_messages").severity
    with context.bound(RequestContext(actor=make_actor(alice))):
        change("blocked_messages", severity="critical")

    answer = api(admin).get(path_of("blocked_messages"))

    (row,) = answer.json()["results"]
    assert row["kind"] == "changed"
    assert row["version"] == 2
    assert row["reason"] == "Too loud"
    assert row["actor_name"] == "alice"
    assert row["user_id"] == str(subject_keys().pseudonym(alice.id))
    assert row["exception"] is None
    assert row["changes"] == [
        {"field": "severity", "old": old, "new": "critical", "shipped": None}
    ]
    assert str(alice.id) not in answer.content.decode()
    read = Event.objects.get(event_type="auditlog.events_read")
    assert read.actor_pseudonym == subject_keys().pseudonym(admin.id)


def test_it_has_pages(api: Api, admin: Any) -> None:
    for number in range(3):
        change("blocked_messages", version=number + 1, window_seconds=60 + number)
    client = api(admin)

    first = client.get(path_of("blocked_messages"), {"page_size": 2}).json()
    rest = client.get(first["next"]).json()

    assert [row["version"] for row in first["results"]] == [4, 3]
    assert [row["version"] for row in rest["results"]] == [2]
    assert (first["previous"], rest["next"]) == (None, None)
    assert client.get(path_of("blocked_messages"), {"cursor": "%"}).status_code == 400


def test_a_deleted_rule_is_found_by_its_id(api: Api, admin: Any) -> None:
    like = terms_of(rule_named("blocked_messages"))
    made = detection.create_rule("own", like, reason="An audit")
    made_id = made.pk
    detection.delete_rule(made_id, version=1, reason="Of no use")
    client = api(admin)

    assert client.get(path_of("own")).status_code == 404
    assert client.get(path_of(uuid7())).status_code == 404
    rows = client.get(path_of(made_id)).json()["results"]

    assert [row["kind"] for row in rows] == ["deleted", "created"]


@pytest.mark.parametrize("words", ["?curser=x", "?page_size=5&page_size=7"])
def test_a_parameter_that_it_does_not_know_is_refused(
    api: Api, auditor: Any, words: str
) -> None:
    answer = api(auditor).get(path_of("blocked_messages") + words)

    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_a_rule_called_like_the_id_of_another_does_not_hide_it(
    api: Api, admin: Any
) -> None:
    rule = rule_named("blocked_messages")
    detection.create_rule(str(rule.pk), terms_of(rule), reason="To hide behind")
    change("blocked_messages", severity="critical")

    rows = api(admin).get(path_of(rule.pk)).json()["results"]

    assert [row["kind"] for row in rows] == ["changed"]
