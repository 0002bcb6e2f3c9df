from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import events, selectors
from auditlog.services import Target
from auditlog.tests.factories import (
    destroy_key,
    forget_cached_keys,
    make_actor,
    make_event,
)
from chatsec.core import context
from chatsec.core.context import RequestContext
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import NotFound

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


def test_it_finds_by_actor() -> None:
    alice, bob = make_actor(), make_actor()
    mine = make_event(actor=alice)
    make_event(actor=bob)

    assert list(selectors.list_events(actor_id=alice.id)) == [mine]


def test_it_finds_by_type_outcome_category_and_resource() -> None:
    read = make_event(
        events.DATA_ACCESS, outcome="denied", target=Target("sales_records", 7)
    )
    make_event(events.DATA_ACCESS, target=Target("sales_records", 8))
    make_event(events.CHATBOT_QUERY, outcome="denied")

    search = selectors.list_events
    assert list(search(event_type="data_access", outcome="denied")) == [read]
    assert list(search(category="data_access", outcome="denied")) == [read]
    assert list(search(resource="sales_records:7")) == [read]
    assert search(resource="sales_records").count() == 2


def test_since_is_included_and_until_is_not() -> None:
    at = [NOW - timedelta(minutes=minutes) for minutes in (2, 1, 0)]
    stored = [make_event(at=moment) for moment in at]

    found = selectors.list_events(since=at[0], until=at[2])

    assert set(found) == {stored[0], stored[1]}


def test_it_finds_what_belongs_to_one_request() -> None:
    with context.bound(RequestContext(request_id="req-7")):
        one, two = make_event(), make_event(events.DATA_ACCESS)
    make_event()

    assert list(selectors.list_events(request_id="req-7")) == [two, one]


def test_an_event_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        selectors.get_event(uuid7())


def test_it_opens_many_events_with_few_queries(
    django_assert_max_num_queries: Any,
) -> None:
    stored = [
        make_event(actor=make_actor(), details={"intent": "x"}) for _ in range(20)
    ]
    forget_cached_keys()

    with django_assert_max_num_queries(3):
        read = selectors.read_events(stored)

    assert all(each.details == {"intent": "x"} for each in read)


AT = NOW.replace(microsecond=900_000)
SHAPES: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (
        events.CHATBOT_QUERY,
        {
            "details": {
                "session_id": "sess_abc456",
                "intent": "get_sales_report",
                "query_type": "database_query",
                "execution_time_ms": 234,
            }
        },
        {
            "session_id": "sess_abc456",
            "intent": "get_sales_report",
            "query_type": "database_query",
            "execution_time_ms": 234,
            "status": "success",
        },
    ),
    (
        events.AUTHORIZATION_CHECK,
        {"details": {"required_permission": "read_sales", "roles": ["sales_rep"]}},
        {
            "required_permission": "read_sales",
            "result": "granted",
            "roles": ["sales_rep"],
        },
    ),
    (
        events.AUTHORIZATION_DENIED,
        {
            "outcome": "denied",
            "details": {
                "required_permission": "read_financial",
                "reason": "user lacks required role",
            },
        },
        {
            "required_permission": "read_financial",
            "result": "denied",
            "reason": "user lacks required role",
        },
    ),
    (
        events.DATA_ACCESS,
        {
            "target": Target("sales_records", "q3"),
            "details": {"resource_ids": ["sale_789", "sale_790"], "action": "read"},
            "result_count": 2,
            "classification": "internal",
        },
        {
            "resource_type": "sales_records",
            "resource_ids": ["sale_789", "sale_790"],
            "action": "read",
            "result_count": 2,
            "data_classification": "internal",
        },
    ),
    (
        events.ERROR,
        {
            "outcome": "error",
            "details": {
                "error_type": "DatabaseConnectionError",
                "error_message": "Connection timeout to sales database",
                "stack_trace": "...",
                "query": "SELECT * FROM sales WHERE region = %s",
            },
        },
        {
            "error_type": "DatabaseConnectionError",
            "error_message": "Connection timeout to sales database",
            "stack_trace": "...",
            "query": "SELECT * FROM sales WHERE region = %s",
        },
    ),
    (
        events.SECURITY_ALERT,
        {
            "details": {
                "alert_type": "multiple_failed_auth",
                "failure_count": 5,
                "time_window_minutes": 5,
                "action_taken": "account_locked",
            }
        },
        {
            "alert_type": "multiple_failed_auth",
            "failure_count": 5,
            "time_window_minutes": 5,
            "action_taken": "account_locked",
        },
    ),
]


@pytest.mark.parametrize(("event_type", "evidence", "shape"), SHAPES)
def test_it_describes_in_the_chapters_shape(
    event_type: Any, evidence: dict[str, Any], shape: dict[str, Any]
) -> None:
    actor = make_actor()

    described = selectors.describe(
        make_event(event_type, at=AT, actor=actor, **evidence)
    )

    assert described == {
        "event_type": event_type.name,
        "timestamp": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "user_id": str(subject_keys().pseudonym(actor.id)),  # type: ignore[arg-type]
        **shape,
    }


@pytest.mark.parametrize(("event_type", "evidence", "shape"), SHAPES)
def test_the_shape_stays_when_the_actor_is_erased(
    event_type: Any, evidence: dict[str, Any], shape: dict[str, Any]
) -> None:
    actor = make_actor()
    event = make_event(event_type, at=AT, actor=actor, **evidence)
    destroy_key(actor.id)

    described = selectors.describe(event)

    assert set(described) == {"event_type", "timestamp", "user_id", *shape}


def test_a_session_has_a_name_that_leads_nowhere() -> None:
    actor = make_actor()

    described = selectors.describe(make_event(actor=actor))

    assert str(described["session_id"]).startswith("sess_")
    assert str(actor.session_id) not in str(described)
