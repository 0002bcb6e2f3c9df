from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from auditlog import events, selectors
from auditlog.models import Event
from auditlog.services import record, record_error, record_refusal
from auditlog.services.failures import message_shape, stack_without_values
from auditlog.tests.factories import make_actor
from chatsec.core import context
from chatsec.core.context import RequestContext
from chatsec.core.errors import Denied

DETAILS = {
    "required_permission": "read_financial",
    "reason": "user lacks required role",
}


def refuse(write: Callable[..., UUID], **evidence: Any) -> None:
    """Write the refusal, then roll back what was open around it."""
    with transaction.atomic():
        write(
            events.AUTHORIZATION_DENIED, outcome="denied", details=DETAILS, **evidence
        )
        raise Denied


def break_transaction(write: Callable[[DatabaseError], UUID]) -> None:
    """Write after a statement failed, inside the transaction that it broke."""
    with transaction.atomic():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")
        except DatabaseError as error:
            write(error)
            raise


@pytest.mark.django_db(transaction=True)
def test_a_record_goes_with_the_transaction_that_fails() -> None:
    with pytest.raises(Denied):
        refuse(record)

    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_refusal_inside_a_transaction_survives_its_rollback() -> None:
    here = RequestContext(request_id="req-9", actor=make_actor())

    with context.bound(here), pytest.raises(Denied):
        refuse(record_refusal)

    event = Event.objects.get()
    assert event.request_id == "req-9"
    assert selectors.describe(event)["required_permission"] == "read_financial"


@pytest.mark.django_db(transaction=True)
def test_a_refusal_does_not_wait_forever_for_a_key_that_its_caller_makes() -> None:
    """The caller holds the uncommitted key row of the very same person."""
    actor = make_actor()

    def make_key_then_refuse() -> None:
        with transaction.atomic():
            record(events.CHATBOT_QUERY, actor=actor)
            refuse(record_refusal, actor=actor)

    with pytest.raises(Denied):
        make_key_then_refuse()

    event = Event.objects.get()
    assert event.event_type == "authorization_denied"
    assert (event.actor_kind, event.actor_pseudonym) == ("user", None)
    assert event.session_hash is not None
    assert selectors.describe(event)["reason"] == "user lacks required role"


@pytest.mark.django_db(transaction=True)
def test_evidence_survives_a_broken_transaction() -> None:
    with pytest.raises(DatabaseError):
        break_transaction(lambda _: record_refusal(events.AUTHORIZATION_DENIED))
    with pytest.raises(DatabaseError):
        break_transaction(
            lambda error: record_error(error, query="SELECT 1 WHERE region = %s")
        )

    refused, failed = Event.objects.order_by("event_id")
    described = selectors.describe(failed)
    assert refused.event_type == "authorization_denied"
    assert described["error_type"] == "DataError"
    assert described["query"] == "SELECT 1 WHERE region = %s"
    assert "test_refusals.py" in str(described["stack_trace"])


@pytest.mark.django_db
def test_the_wrapper_around_a_test_is_no_transaction_of_the_caller() -> None:
    record_refusal(events.AUTHORIZATION_DENIED, outcome="denied")

    assert Event.objects.count() == 1


def raised(message: str) -> Exception:
    def fail(secret: str) -> None:
        raise ValueError(message)

    try:
        fail("hunter2")
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    "message",
    [
        "no user 'jane.smith'",
        "Key (email)=(jane@example.org) already exists.",
        'bad value "Jane Smith" at 4711',
        "invalid literal for int(): '555-12-3456'",
        "cannot reach jane@example.org",
        "first line\nDETAIL: Failing row contains (Jane Smith)",
    ],
)
def test_an_error_event_holds_no_values(message: str) -> None:
    shape = message_shape(raised(message))

    for value in ("jane", "Jane", "4711", "555", "example.org"):
        assert value not in shape


def test_a_stack_says_where_and_nothing_of_the_machine() -> None:
    stack = stack_without_values(raised("hunter2"))

    assert stack.splitlines()[-1].endswith(" fail")
    assert "hunter2" not in stack
    assert not any(line.startswith("/") for line in stack.splitlines())


@pytest.mark.django_db
def test_an_error_without_a_message_is_recorded(django_assert_num_queries: Any) -> None:
    event_id = record_error(RuntimeError())

    described = selectors.describe(Event.objects.get(event_id=event_id))
    assert (described["error_type"], described["error_message"]) == ("RuntimeError", "")
