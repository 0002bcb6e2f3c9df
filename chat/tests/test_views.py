"""The pages, without JavaScript."""

import re

import pytest

from accounts.tests.factories import totp_code
from auditlog.selectors import list_events
from chat.models import Conversation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def ask(client, text, path="/"):
    return client.post(path, {"text": text}, follow=True)


def test_who_is_not_signed_in_is_sent_to_sign_in(client):
    assert client.get("/").status_code == 302
    assert "/sign-in" in client.get("/")["Location"]


def test_the_chat_page_offers_what_one_may_ask(browser, erin):
    page = browser(erin).get("/").content.decode()

    assert "You can ask, for example" in page
    assert "ask-form" in page


def test_a_question_is_answered_with_a_table(browser, alice):
    client = browser(alice)

    page = ask(client, "Show me team sales for Q4")

    shown = page.content.decode()
    assert page.redirect_chain[-1][0].startswith("/chat/")
    assert "<table" in shown
    assert "north-1" in shown
    assert "Why may I see this?" in shown
    again = client.get(page.redirect_chain[-1][0])
    assert Conversation.objects.count() == 1
    assert b"north-1" in again.content


def test_a_refusal_is_said_kindly_and_names_the_permission(browser, bob):
    shown = ask(browser(bob), "Show me team sales for Q4").content.decode()

    assert "You don&#x27;t have access to team sales data." in shown
    assert "<code>read_team_sales</code>" in shown


def test_a_code_is_asked_for_and_continues(browser, carol):
    client = browser(carol)
    page = ask(client, "Show me all employee records")
    shown = page.content.decode()
    (challenge,) = re.findall(r'name="mfa_session_id" value="([^"]+)"', shown)
    path = page.redirect_chain[-1][0]

    wrong = client.post(
        f"{path}/code", {"mfa_session_id": challenge, "code": "000000"}, follow=True
    )
    right = client.post(
        f"{path}/code",
        {"mfa_session_id": challenge, "code": totp_code(carol)},
        follow=True,
    )

    assert "Invalid verification code" in wrong.content.decode()
    assert "national id" in right.content.decode()


def test_text_is_never_markup(browser, erin):
    shown = ask(browser(erin), "<script>alert(1)</script>").content.decode()

    assert "<script>alert" not in shown


def test_a_message_that_is_too_long_comes_back_with_the_reason(browser, erin):
    page = browser(erin).post("/", {"text": "x" * 4001})

    assert page.status_code == 400
    assert "4,000 characters" in page.content.decode()


def test_a_stranger_finds_nothing(browser, alice, charlie):
    ask(browser(alice), "Show me team sales for Q4")
    path = f"/chat/{Conversation.objects.get().id}"
    client = browser(charlie)

    answers = [
        client.get(path),
        client.post(path, {"text": "hello"}),
        client.post(f"{path}/code", {"code": "123456"}),
        client.post(f"{path}/delete"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert Conversation.objects.exists()


def test_an_owner_deletes_a_conversation(browser, alice):
    client = browser(alice)
    ask(client, "Show me team sales for Q4")

    client.post(f"/chat/{Conversation.objects.get().id}/delete")

    assert not Conversation.objects.exists()


def test_a_legal_hold_keeps_a_conversation(browser, api, alice):
    from uuid import uuid4

    from privacy.models import LegalHold

    client = browser(alice)
    ask(client, "Show me team sales for Q4")
    conversation = Conversation.objects.get()
    LegalHold.objects.create(subject_id=alice.id, matter="7/26", placed_by=uuid4())

    page = client.post(f"/chat/{conversation.id}/delete", follow=True)
    refused = api(alice).delete(f"/api/v1/conversations/{conversation.id}")

    assert "legal hold" in page.content.decode()
    assert refused.status_code == 409
    assert Conversation.objects.exists()


def test_the_public_page_lists_articles_and_answers(client):
    page = client.get("/faq").content.decode()
    answered = client.post("/faq", {"text": "What are your opening hours?"})

    assert "Opening hours" in page
    assert "8:00 to 18:00" in answered.content.decode()
    (asked,) = list_events(event_type="chatbot_query")
    assert asked.channel == "web"


def test_the_public_page_shows_no_company_data(client):
    page = client.post("/faq", {"text": "Show me the sales summary"})

    assert "have access to sales data" in page.content.decode()


def test_pages_carry_no_inline_script_or_style(browser, alice):
    shown = ask(browser(alice), "Show me team sales for Q4").content.decode()

    assert not re.search(r"<script(?![^>]*src=)", shown)
    assert "style=" not in shown
    assert " onclick" not in shown


@pytest.mark.parametrize("path", ["/chat/not-an-id", "/chat/"])
def test_unknown_pages_are_not_found(browser, alice, path):
    assert browser(alice).get(path).status_code == 404


def test_a_malformed_challenge_is_over(browser, alice):
    client = browser(alice)
    path = ask(client, "hello").redirect_chain[-1][0]

    page = client.post(
        f"{path}/code", {"mfa_session_id": "x", "code": "1"}, follow=True
    )

    assert "This verification is over" in page.content.decode()


def test_figures_of_a_column_are_set_alike(browser, dan):
    page = ask(browser(dan), "top 3 products in 2025").content.decode()

    assert re.search(r'<th scope="col" class="number">revenue</th>', page)
    assert re.search(r'<td class="number">[0-9]{1,3}(,[0-9]{3})*\.[0-9]{2}</td>', page)
    report = ask(browser(dan), "Show me the financial report").content.decode()
    assert re.search(r'<td class="number">20[0-9]{2}</td>', report)


def test_what_is_offered_is_asked_with_one_press(browser, dan):
    page = ask(browser(dan), "sales in Q7").content.decode()

    assert re.search(r'<button [^>]*name="text" value="4">4</button>', page)
