"""Every registered event as OCSF, against what the schema (1.8.0) requires."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from auditlog.models import Event
from auditlog.ocsf import ocsf_document
from auditlog.ocsf.classes import KINDS, kind_of
from auditlog.registry import event_types
from auditlog.services import Target
from auditlog.shapes import ReadEvent
from auditlog.tests.factories import make_actor, make_event
from chatsec.core import context
from chatsec.core.context import SYSTEM, RequestContext

pytestmark = pytest.mark.django_db
# Taken from events/ and objects/ of the schema's repository: what is required, and of
# which at least one must be there.
EVERY_CLASS = {
    "activity_id",
    "category_uid",
    "class_uid",
    "metadata",
    "severity_id",
    "time",
    "type_uid",
}
REQUIRED: dict[int, set[str]] = {
    2004: {"finding_info"},
    2005: {"finding_info_list", "status_id"},
    3001: {"user"},
    3002: {"user"},
    3004: {"entity"},
    3005: {"user", "privileges"},
    6003: {"actor", "api", "src_endpoint"},
    6005: {"actor", "src_endpoint"},
    6008: set(),
}
AT_LEAST_ONE: dict[int, set[str]] = {
    2005: {"assignee", "assignee_group"},
    3002: {"service", "dst_endpoint"},
    6005: {"database", "databucket", "table"},
}
ACTIVITIES: dict[int, set[int]] = {
    2004: {1, 2, 3},
    2005: {1, 2, 3},
    3001: set(range(1, 12)),
    3002: {1, 2, 3, 4, 5},
    3004: {1, 2, 3, 4},
    3005: {1, 2},
    6003: {1, 2, 3, 4},
    6005: set(range(1, 11)),
    6008: {1, 2},
}
OBJECTS: dict[str, tuple[set[str], set[str]]] = {
    "metadata": ({"product", "version"}, set()),
    "user": (set(), {"account", "name", "uid"}),
    "assignee": (set(), {"account", "name", "uid"}),
    "actor": (set(), {"user", "process", "session", "app_name", "app_uid"}),
    "src_endpoint": (set(), {"ip", "uid", "name", "hostname", "svc_name"}),
    "api": ({"operation"}, set()),
    "entity": (set(), {"name", "uid"}),
    "finding_info": ({"uid", "title"}, set()),
    "table": (set(), {"name", "uid"}),
    "service": (set(), {"name", "uid"}),
    "product": ({"name", "vendor_name"}, set()),
}


def check(document: Mapping[str, Any]) -> None:
    """Fail unless the document has what its class requires, all the way down."""
    of_class = document["class_uid"]
    assert document.keys() >= EVERY_CLASS | REQUIRED[of_class]
    one_of = AT_LEAST_ONE.get(of_class)
    assert one_of is None or document.keys() & one_of
    assert document["activity_id"] in ACTIVITIES[of_class] | {99}
    assert document["category_uid"] == of_class // 1000
    assert document["type_uid"] == of_class * 100 + document["activity_id"]
    assert document["severity_id"] in range(1, 6)
    assert isinstance(document["time"], int)
    if document["activity_id"] == 99:
        assert document["activity_name"]
    check_objects(document)


def check_objects(document: Mapping[str, Any]) -> None:
    for name, value in document.items():
        if name == "unmapped" or not isinstance(value, dict):
            continue
        required, one_of = OBJECTS.get(name, (set(), set()))
        assert value.keys() >= required, name
        assert not one_of or value.keys() & one_of, name
        check_objects(value)


def bare(event: Event) -> ReadEvent:
    return ReadEvent(event, {}, {}, None, None)


@pytest.mark.parametrize("name", sorted(event_types()))
def test_every_event_has_what_its_class_requires(name: str, alice: Any) -> None:
    kind = event_types()[name]
    person = make_actor(alice)
    with context.bound(RequestContext(request_id="req-1", ip="192.0.2.1")):
        full = make_event(
            kind,
            actor=person,
            target=Target("role", "finance"),
            subject_id=alice.id,
            details={"reason": "because"},
        )
    empty = make_event(kind, actor=SYSTEM)

    for read in (bare(full), bare(empty)):
        document: dict[str, Any] = ocsf_document(read)

        check(document)
        assert json.loads(json.dumps(document)) == document
        assert document["metadata"]["uid"] == str(read.event.event_id)
        assert document["metadata"]["event_code"] == name
        assert "alice" not in json.dumps(document)


def test_the_map_names_events_that_there_are() -> None:
    assert set(KINDS) <= set(event_types())


@pytest.mark.parametrize(
    ("name", "type_uid"),
    [
        ("accounts.signed_in", 300201),
        ("accounts.signed_out", 300202),
        ("accounts.password_set", 300103),
        ("accounts.factor_removed", 300111),
        ("rbac.role_assigned", 300501),
        ("rbac.role_revoked", 300502),
        ("rbac.role_changed", 300403),
        ("data_access", 600501),
        ("chatbot_query", 600302),
        ("authorization_denied", 600399),
        ("security_alert", 200401),
        ("auditlog.incident_resolved", 200503),
        ("error", 600801),
    ],
)
def test_what_an_event_is(name: str, type_uid: int) -> None:
    kind = kind_of(name, event_types()[name].category)

    assert kind.ocsf_class * 100 + kind.activity_id == type_uid


def test_names_and_details_are_there_only_where_they_were_opened(alice: Any) -> None:
    event = make_event(actor=make_actor(alice), subject_id=alice.id)
    opened = ReadEvent(event, {"intent": "x"}, {"mail": "y"}, "alice", "alice")

    document: dict[str, Any] = ocsf_document(opened)

    assert document["unmapped"]["details"] == {"intent": "x"}
    assert document["unmapped"]["subject_details"] == {"mail": "y"}
    assert document["actor"]["user"]["name"] == "alice"
    plain: dict[str, Any] = ocsf_document(bare(event))
    assert "details" not in plain["unmapped"]
