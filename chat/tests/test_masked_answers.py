"""A grant with masks, from the question to every later reading of the answer."""

import re

import pytest
from django.utils import timezone

from auditlog.selectors import describe, list_events
from chat.constants import NO_LONGER_SHOWN
from chat.models import Conversation, Message
from chat.personal_data import export_messages
from chat.selectors.conversations import list_messages
from chat.stages.reading import show_messages
from chat.tests.answers import column
from chatsec.core.context import SYSTEM
from rbac.models import RoleGrant
from rbac.services.roles import GrantDefinition, RoleDefinition, create_role
from rbac.tests.factories import give_role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]

QUESTION = "Show me all employee records"
OPEN = ("employee_id", "name", "username", "department", "region", "team")
MASKED = (
    "email:null",
    "phone:hash",
    "national_id:last4",
    "birth_date:bucket:year",
    "hired_on:bucket:month",
)


def role_with(user, columns, **more):
    grants = [
        GrantDefinition("read_hr_data", columns=tuple(columns)),
        GrantDefinition("read_pii"),
        *more.get("grants", ()),
    ]
    create_role(SYSTEM, definition=RoleDefinition("clerk", "Clerk", grants=(*grants,)))
    give_role(user, "clerk")


@pytest.fixture
def clerk(erin):
    role_with(erin, (*OPEN, *MASKED))
    return erin


def test_cells_are_shown_as_their_grant_says(ask, clerk):
    answer = ask(clerk, QUESTION, stepped_up=True)

    assert answer.status == "answered"
    assert len(answer.rows) > 200
    assert set(column(answer, "email")) == {None}
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in column(answer, "phone"))
    assert all(
        re.fullmatch(r"\*{4}.{0,4}", one) for one in column(answer, "national_id")
    )
    assert all(re.fullmatch(r"\d{4}", one) for one in column(answer, "birth_date"))
    assert all(re.fullmatch(r"\d{4}-\d\d", one) for one in column(answer, "hired_on"))
    # Not named by the grant at all.
    assert not {"address", "manager", "job_title"} & set(answer.columns)


def read(actor):
    conversation = Conversation.objects.get(owner=actor.person)
    messages = list(list_messages(conversation))
    return show_messages(actor, conversation, messages, now=timezone.now())[-1]


def test_every_later_reading_shows_the_masked_form(ask, acting, clerk, api):
    answer = ask(clerk, QUESTION, stepped_up=True)

    kept = read(acting(clerk, stepped_up=True))
    message = Message.objects.get(id=answer.id)
    path = f"/api/v1/conversations/{message.conversation_id}/messages"
    sent = api(clerk, stepped_up=True).get(path).json()["results"]
    exported = list(export_messages(clerk.id))

    assert kept.rows == answer.rows
    (again,) = [one for one in sent if one["role"] == "assistant"]
    assert again["rows"] == [list(row) for row in answer.rows]
    assert all("rows" not in one for one in exported)


def test_a_stricter_mask_withholds_what_was_shown(ask, acting, clerk):
    ask(clerk, QUESTION, stepped_up=True)
    grant = RoleGrant.objects.get(role__name="clerk", code="read_hr_data")
    grant.columns = [*OPEN, *MASKED[:2], "national_id:null", *MASKED[3:]]
    grant.save()

    kept = read(acting(clerk, stepped_up=True))

    assert kept.rows == ()
    assert NO_LONGER_SHOWN in kept.text


def test_the_least_restrictive_grant_counts(ask, clerk):
    role = RoleDefinition(
        "callers",
        "Callers",
        grants=(GrantDefinition("read_hr_data", columns=("phone", "name", "email")),),
    )
    create_role(SYSTEM, definition=role)
    give_role(clerk, "callers")

    answer = ask(clerk, QUESTION, stepped_up=True)

    assert not any(
        re.fullmatch(r"[0-9a-f]{16}", one) for one in column(answer, "phone")
    )
    assert all(column(answer, "email"))
    assert set(column(answer, "name")) != {None}


def test_a_grant_of_some_rows_unmasks_only_these(ask, clerk):
    own = GrantDefinition(
        "read_hr_data",
        row_filter='resource.department == "Legal"',
        columns=("phone", "department"),
    )
    create_role(SYSTEM, definition=RoleDefinition("own", "Own", grants=(own,)))
    give_role(clerk, "own")

    answer = ask(clerk, QUESTION, stepped_up=True)

    pairs = zip(column(answer, "department"), column(answer, "phone"), strict=True)
    hashed = {
        (department, bool(re.fullmatch(r"[0-9a-f]{16}", phone)))
        for department, phone in pairs
    }
    assert ("Legal", False) in hashed
    assert ("Legal", True) not in hashed
    assert all(is_hash for department, is_hash in hashed if department != "Legal")


def test_a_deny_comes_last(ask, clerk):
    deny = GrantDefinition(
        "read_hr_data",
        effect="deny",
        row_filter='resource.department == "Legal"',
        columns=("phone",),
    )
    create_role(SYSTEM, definition=RoleDefinition("but", "But", grants=(deny,)))
    give_role(clerk, "but")

    answer = ask(clerk, QUESTION, stepped_up=True)

    told = dict(zip(column(answer, "department"), column(answer, "phone"), strict=True))
    assert told["Legal"] is None
    assert told["Sales"]


@pytest.mark.parametrize("mask", ["null", "hash", "last4"])
def test_what_would_sort_or_search_by_a_masked_column_is_refused(ask, erin, mask):
    role_with(erin, ("employee_id", f"name:{mask}", "username", "department", "region"))

    answer = ask(erin, QUESTION, stepped_up=True)

    assert answer.status == "denied"
    assert answer.message == "The column “name” is not available to you."
    assert answer.extra["code"] == "column_not_available"
    assert answer.rows == ()
    (refusal,) = map(describe, list_events(event_type="authorization_denied"))
    assert refusal["reason"] == "column_not_available"


def test_a_query_that_is_not_declared_personal_shows_no_personal_column(ask, clerk):
    from chat.models import QueryDefinition

    QueryDefinition.objects.filter(key="employee_records").update(pii=False)

    answer = ask(clerk, QUESTION, stepped_up=True)

    assert not {"national_id", "birth_date", "address"} & set(answer.columns)
