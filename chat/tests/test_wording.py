"""Answers as the person who asked reads them."""

import pytest

from chat.models import Conversation
from chat.pipeline import answer_message
from chatsec.core.context import current_actor

pytestmark = pytest.mark.django_db


def test_a_quarter_that_there_is_not_is_asked_for_again(ask, alice):
    answer = ask(alice, "sales in Q7")

    assert (answer.status, answer.message) == ("clarify", "Which quarter?")


def test_a_year_without_figures_is_not_answered_with_all_years(ask, alice):
    answer = ask(alice, "sales in 1850")

    assert (answer.status, answer.message) == ("clarify", "Which year?")


@pytest.mark.parametrize("place", ["Atlantis", "the Atlantis region"])
def test_a_place_that_there_is_not_is_asked_for_again(ask, dan, place):
    answer = ask(dan, f"what were total sales in {place}?")

    assert (answer.status, answer.message) == ("clarify", "Which region?")


@pytest.mark.parametrize("manner", ["in total", "in euros", "in the north"])
def test_not_everything_after_in_is_an_unknown_place(ask, dan, manner):
    assert ask(dan, f"what were our sales {manner}").status == "answered"


def test_what_narrows_nothing_is_said_before_the_figures(ask, dan):
    answer = ask(dan, "how much did we sell in the north in March 2025")

    assert answer.query == "sales_summary"
    before, _, figures = answer.message.partition(": ")
    assert before.endswith("(region north), not narrowed by month")
    assert figures.startswith("revenue ")


def test_a_month_is_taken_as_days_where_only_days_are_taken(ask, carol):
    answer = ask(carol, "who joined last month")

    assert answer.query == "new_hires"
    assert "date_from" in answer.slots
    assert "narrowed" not in answer.message


def test_more_than_last_year_shows_both_years(ask, dan):
    answer = ask(dan, "are we selling more than last year")

    assert answer.query == "sales_trend"
    assert len({row[0] for row in answer.rows}) > 1


def test_a_row_about_somebody_begins_with_the_name(ask, erin):
    answer = ask(erin, "phone number of bob")

    assert answer.message.startswith("Company directory: Bob Miller, job title ")


def test_the_people_of_a_manager_are_found_by_user_name(ask, erin):
    answer = ask(erin, "who reports to alice")

    assert len(answer.rows) > 1


def test_nobody_approves_a_note(ask, alice):
    note = ask(alice, "add a note to sale 12: customer wants a call")
    discount = ask(alice, "approve a discount of 500")

    assert note.message == "Sales note (sale 12): recorded."
    assert discount.message == "Discount approval (amount 500): recorded."


def test_own_data_names_the_page_for_more(ask, erin):
    assert "My privacy" in ask(erin, "what do you know about me").message


def test_help_and_options_are_sentences(ask, dan):
    offered = ask(dan, "what can you do?").message.split("\n- ")[1:]

    assert offered
    assert all(text[0].isupper() for text in offered)


def test_a_plain_question_for_revenue_is_answered(ask, dan):
    assert ask(dan, "revenue this year").query == "sales_summary"


@pytest.mark.parametrize(
    ("question", "reply", "filled"),
    [
        ("sales in Q7", "4", {"quarter": 4}),
        ("sales in Q7", "Q3", {"quarter": 3}),
        ("sales in 1850", "2025", {"year": 2025}),
        ("total sales in Atlantis", "north", {"region": "north"}),
    ],
)
def test_a_bare_reply_fills_what_was_asked_for(ask, dan, question, reply, filled):
    first = ask(dan, question)
    assert first.status == "clarify"

    conversation = Conversation.objects.get(id=first.conversation_id)
    answer = answer_message(current_actor(), conversation, reply)

    assert (answer.status, answer.query) == ("answered", "sales_summary")
    assert filled.items() <= dict(answer.slots).items()
