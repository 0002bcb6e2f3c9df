"""What is kept is sealed, and released again at every reading."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from chat.constants import NO_LONGER_SHOWN
from chat.models import Message, QueryDefinition
from chat.pipeline import answer_message
from chat.selectors.conversations import list_messages, title_of
from chat.services.conversations import start_conversation
from chat.stages.reading import show_messages
from chatsec.core.crypto import DecryptionFailed
from rbac.models import Assignment, RoleGrant

pytestmark = pytest.mark.django_db
SECRET = "Call Jane Smith at jane.smith@example.org about team sales for Q4"


@pytest.fixture
def talk(catalogue, acting, alice):
    """Return alice's conversation about her team's sales."""
    actor = acting(alice)
    conversation = start_conversation(actor)
    answer_message(actor, conversation, "Show me team sales for Q4")
    return actor, conversation


def read(actor, conversation, *, now=None):
    messages = list(list_messages(conversation))
    shown = show_messages(actor, conversation, messages, now=now or timezone.now())
    return [one.body() for one in shown]


def drop_grant(code):
    RoleGrant.objects.filter(code=code).delete()


def test_the_owner_reads_question_and_figures(talk):
    question, answer = read(*talk)

    assert question["text"] == "Show me team sales for Q4"
    assert answer["status"] == "answered"
    assert answer["rows"]
    assert answer["slots"] == {"quarter": 4}


def test_who_lost_the_role_sees_no_figure_any_more(talk, alice):
    Assignment.objects.filter(user=alice).update(revoked_at=timezone.now())

    _, answer = read(*talk)

    assert answer["rows"] == []
    assert answer["columns"] == []
    assert NO_LONGER_SHOWN in answer["text"]
    assert "north-1" not in str(answer)


def test_who_changed_teams_does_not_see_the_old_teams_figures(talk, alice):
    alice.team = "south-1"
    alice.save()

    _, answer = read(*talk)

    assert answer["withheld"]


def test_a_wider_permission_shows_them_still(talk, alice):
    RoleGrant.objects.filter(code="read_team_sales").update(row_filter="")

    _, answer = read(*talk)

    assert answer["rows"]


def test_a_narrower_set_of_columns_hides_them(talk):
    RoleGrant.objects.filter(code="read_team_sales").update(
        row_filter="", columns=["sale_id", "team"]
    )

    assert read(*talk)[1]["withheld"]


def test_a_query_that_changed_since_hides_what_it_released(talk):
    QueryDefinition.objects.filter(key="team_sales").update(version=9)

    assert read(*talk)[1]["withheld"]


def test_a_query_that_is_gone_hides_what_it_released(talk):
    QueryDefinition.objects.filter(key="team_sales").delete()

    assert read(*talk)[1]["withheld"]


def test_figures_behind_a_code_are_shown_only_as_long_as_the_step_up_holds(
    catalogue, acting, carol
):
    actor = acting(carol, stepped_up=True)
    conversation = start_conversation(actor)
    answer_message(actor, conversation, "Show me all employee records")

    soon = read(actor, conversation)
    later = read(actor, conversation, now=timezone.now() + timedelta(minutes=6))
    elsewhere = read(acting(carol), conversation)

    assert soon[1]["rows"]
    assert later[1]["withheld"]
    assert elsewhere[1]["withheld"]


def test_a_colleague_who_may_less_reads_the_text_without_figures(talk, acting, bob):
    _, conversation = talk

    _, answer = read(acting(bob), conversation)

    assert answer["withheld"]
    assert not answer["rows"]


def dump(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {table}::text FROM {table}")
        return "\n".join(row[0] for row in cursor.fetchall())


def test_nothing_that_was_said_lies_there_in_clear(talk):
    actor, conversation = talk
    answer_message(actor, conversation, SECRET)

    stored = "".join(
        dump(table)
        for table in ("chat_message", "chat_conversation", "chat_pendingquestion")
    )

    for word in ("Jane", "Smith", "team sales for", "north-1", "Bob", "example.org"):
        assert word not in stored
        assert word.encode().hex() not in stored


def test_what_is_kept_of_a_question_is_redacted(talk):
    actor, conversation = talk
    answer = answer_message(actor, conversation, SECRET)

    kept = read(actor, conversation)[2]["text"]

    assert "jane.smith@example.org" not in kept
    assert "[EMAIL_REDACTED]" in kept
    assert answer.redactions["EMAIL"] == 1


def test_a_note_is_kept_redacted_like_any_text(talk, alice):
    actor, conversation = talk
    answer = answer_message(
        actor, conversation, "add a note to sale 12: call jane@example.org back"
    )

    kept = read(actor, conversation)[3]

    assert answer.query == "write_sales_notes"
    assert "jane@example.org" in answer.slots["note"]
    assert "jane@example.org" not in str(kept)


def test_figures_lie_apart_from_the_text(talk):
    answer = Message.objects.get(role="assistant")

    assert answer.figures_sealed is not None
    assert answer.released_by["permission"] == "read_team_sales"
    assert answer.delete_on == (timezone.now() + timedelta(days=90)).date()


def test_a_sealed_text_opens_nowhere_else(talk):
    first, second = Message.objects.order_by("position")
    Message.objects.filter(id=first.id).update(text_sealed=second.text_sealed)

    with pytest.raises(DecryptionFailed):
        read(*talk)


def test_the_title_is_the_redacted_question(catalogue, acting, alice):
    actor = acting(alice)
    conversation = start_conversation(actor)

    answer_message(actor, conversation, "team sales for alice@example.org please")

    conversation.refresh_from_db()
    assert "alice@example.org" not in title_of(conversation)


def test_reading_costs_the_same_however_many_messages(
    talk, django_assert_max_num_queries
):
    actor, conversation = talk
    for _ in range(4):
        answer_message(actor, conversation, "Show me team sales for Q4")

    with django_assert_max_num_queries(11):
        assert len(read(actor, conversation)) == 10
