"""Questions that wait: for a code, or for what they left out."""

import pytest

from accounts.errors import InvalidCode
from accounts.tests.factories import totp_code
from chat.constants import MFA_MESSAGE
from chat.models import Message, PendingQuestion, QueryDefinition
from chat.pipeline import answer_message, answer_step_up
from chat.services.conversations import start_conversation
from chat.tests.answers import events
from chatsec.core.errors import NotFound
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db


def test_personnel_records_ask_for_a_code_and_go_on(catalogue, acting, carol):
    actor = acting(carol)
    conversation = start_conversation(actor)

    asked = answer_message(actor, conversation, "Show me all employee records")
    done = answer_step_up(
        actor,
        conversation,
        mfa_session_id=asked.extra["mfa_session_id"],
        code=totp_code(carol),
    )

    assert asked.status == "mfa_required"
    assert asked.message == MFA_MESSAGE
    assert asked.rows == ()
    assert done.status == "answered"
    assert done.query == "employee_records"
    assert len(done.rows) > 200
    assert "national_id" in done.columns
    (read,) = events("data_access")
    assert len(read["resource_ids"]) == len(done.rows)
    assert read["resource_ids"][0].startswith("employee_")


def test_a_wrong_code_is_refused_and_the_question_waits(catalogue, acting, carol):
    actor = acting(carol)
    conversation = start_conversation(actor)
    asked = answer_message(actor, conversation, "Show me all employee records")
    challenge = asked.extra["mfa_session_id"]

    with pytest.raises(InvalidCode, match="Invalid verification code"):
        answer_step_up(actor, conversation, mfa_session_id=challenge, code="000000")

    code = totp_code(carol)
    again = answer_step_up(actor, conversation, mfa_session_id=challenge, code=code)
    assert again.status == "answered"


def test_a_code_sent_as_a_message_goes_on_and_is_never_kept(catalogue, acting, carol):
    actor = acting(carol)
    conversation = start_conversation(actor)
    answer_message(actor, conversation, "Show me all employee records")

    done = answer_message(actor, conversation, totp_code(carol))

    assert done.status == "answered"
    assert Message.objects.filter(role="user").count() == 1


def test_a_pending_question_is_bound_to_user_session_and_conversation(
    catalogue, acting, carol, charlie
):
    actor = acting(carol)
    conversation = start_conversation(actor)
    other_conversation = start_conversation(actor)
    asked = answer_message(actor, conversation, "Show me all employee records")
    challenge, code = asked.extra["mfa_session_id"], totp_code(carol)
    other_session = acting(carol)
    stranger = acting(charlie)

    for who, where in (
        (actor, other_conversation),
        (other_session, conversation),
        (stranger, conversation),
        (stranger, start_conversation(stranger)),
    ):
        with pytest.raises(NotFound):
            answer_step_up(who, where, mfa_session_id=challenge, code=code)


def test_who_stepped_up_a_moment_ago_is_not_asked_again(ask, carol):
    answer = ask(carol, "Show me all employee records", stepped_up=True)

    assert answer.status == "answered"


def test_without_a_factor_it_is_denied_with_the_way_to_enrol(ask, erin):
    give_role(erin, "hr_specialist")

    answer = ask(erin, "Show me all employee records")

    assert answer.status == "denied"
    assert answer.extra["code"] == "factor_required"
    assert "authenticator app" in answer.message


@pytest.mark.parametrize(
    ("reply", "amount"),
    [("500 euros", 500), ("500", 500), ("1,000", 1000), ("000900", 900)],
)
def test_a_missing_slot_is_asked_for_and_filled_in_the_next_turn(
    catalogue, acting, alice, reply, amount
):
    actor = acting(alice)
    conversation = start_conversation(actor)

    asked = answer_message(actor, conversation, "approve discount")
    done = answer_message(actor, conversation, reply)

    assert asked.status == "clarify"
    assert asked.extra["missing"] == ["amount"]
    assert done.status == "answered"
    assert done.slots["amount"] == amount


def test_a_note_is_asked_for_and_taken_as_it_is(catalogue, acting, bob):
    actor = acting(bob)
    conversation = start_conversation(actor)

    asked = answer_message(actor, conversation, "add a sales note")
    done = answer_message(actor, conversation, "The customer liked the blue one")

    assert asked.extra["missing"] == ["note"]
    assert done.slots["note"] == "The customer liked the blue one"
    assert done.status == "answered"


def test_the_limit_holds_for_a_slot_that_is_filled_later(catalogue, acting, alice):
    actor = acting(alice)
    conversation = start_conversation(actor)
    answer_message(actor, conversation, "approve discount")

    assert answer_message(actor, conversation, "5000").status == "denied"


def test_six_digits_out_of_the_blue_are_kept_by_nobody(ask, erin):
    answer = ask(erin, "123456")

    assert answer.status == "out_of_scope"
    assert answer.redactions == {"CODE": 1}


def test_a_value_that_the_query_does_not_take_is_asked_for_again(ask, alice, catalogue):
    query = QueryDefinition.objects.get(key="team_sales")
    query.parameters["properties"]["region"]["enum"] = ["south"]
    query.save()

    answer = ask(alice, "Show me team sales in the north region")

    assert answer.status == "clarify"
    assert answer.extra["missing"] == ["region"]
    assert answer.extra["options"] == [
        {"text": "south", "slot": "region", "value": "south"}
    ]


def test_who_may_not_ask_is_not_asked_for_a_slot(ask, bob):
    assert ask(bob, "approve discount").status == "denied"


def test_another_question_takes_the_place_of_a_pending_one(catalogue, acting, alice):
    actor = acting(alice)
    conversation = start_conversation(actor)
    answer_message(actor, conversation, "approve discount")

    answer = answer_message(actor, conversation, "Show me team sales for Q4")

    assert answer.query == "team_sales"
    assert not PendingQuestion.objects.filter(answered_at__isnull=True).exists()
