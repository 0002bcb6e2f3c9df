"""Search in one's own conversations."""

import pytest

from chat.models import Message
from rbac.models import Assignment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
SEARCH = "/api/v1/conversations/search"


def ask(client, text, title="Talk"):
    found = client.post("/api/v1/conversations", {"title": title}).json()["id"]
    client.post(f"/api/v1/conversations/{found}/messages", {"text": text})
    return found


def search(client, words):
    answer = client.get(SEARCH, {"q": words})
    assert answer.status_code == 200, answer.content
    assert answer.json()["next"] is None
    return answer.json()["results"]


def test_own_messages_with_every_word_are_found_the_latest_first(api, alice):
    client = api(alice)
    first = ask(client, "team sales for Q4", "Sales")
    second = ask(client, "TEAM Sales of the north")
    ask(client, "opening hours")

    found = [one for one in search(client, "sales TEAM") if one["role"] == "user"]

    assert [one["conversation_id"] for one in found] == [second, first]
    assert found[1]["conversation_title"] == "Sales"
    assert found[1]["text"] == "team sales for Q4"


def test_colleagues_and_strangers_find_nothing_of_it(api, alice, bob, charlie):
    ask(api(alice), "team sales for Q4")

    assert search(api(bob), "team sales") == []
    assert search(api(charlie), "team sales") == []
    assert api().get(SEARCH, {"q": "team"}).status_code == 401


def test_figures_that_are_no_longer_shown_are_not_found(api, dan):
    client = api(dan)
    ask(client, "how much did we sell")
    assert any("revenue" in one["text"] for one in search(client, "revenue"))

    Assignment.objects.filter(user=dan).delete()

    assert search(client, "revenue") == []


@pytest.mark.parametrize("words", ["", "a", "a" * 201, "a\0b"])
def test_it_refuses_what_is_no_search(api, alice, words):
    answer = api(alice).get(SEARCH, {"q": words})

    assert answer.status_code == 400
    assert "q" in answer.json()["errors"]


def test_a_search_costs_few_statements(api, alice, django_assert_max_num_queries):
    client = api(alice)
    for _ in range(4):
        ask(client, "team sales for Q4")
    search(client, "sales")
    assert Message.objects.count() == 8

    with django_assert_max_num_queries(16):
        search(client, "sales")
