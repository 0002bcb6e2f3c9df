"""The chat over HTTP: shapes, strangers, limits."""

import base64
import threading
from uuid import uuid4

import pytest
from django.db import connections

from accounts.tests.factories import totp_code
from chat.models import Conversation, QueryDefinition
from chat.tests.api.talking import QUESTION, messages, start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def test_a_conversation_is_started_named_listed_and_deleted(api, alice):
    client = api(alice)

    first, second = start(client, title="Sales"), start(client)
    path = f"/api/v1/conversations/{first}"
    listed = client.get("/api/v1/conversations").json()
    renamed = client.patch(path, {"title": "Q4"}).json()

    assert [one["id"] for one in listed["results"]] == [second, first]
    assert listed["next"] is None
    assert listed["previous"] is None
    assert renamed["title"] == "Q4"
    assert client.get(path).json()["title"] == "Q4"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_an_answer_has_the_agreed_shape(api, alice):
    client = api(alice)

    answer = client.post(messages(start(client)), QUESTION)

    body = answer.json()
    assert answer.status_code == 200
    assert {"id", "status", "message", "query", "slots", "columns", "rows"} <= set(body)
    assert {"decision", "redactions"} <= set(body)
    assert body["status"] == "answered"
    team = body["columns"].index("team")
    assert {row[team] for row in body["rows"]} == {"north-1"}
    assert body["decision"]["outcome"] == "allow"


def test_messages_are_listed_in_order(api, alice):
    client = api(alice)
    conversation = start(client)
    client.post(messages(conversation), QUESTION)

    listed = client.get(messages(conversation), {"page_size": 1}).json()
    following = client.get(listed["next"]).json()

    assert [one["role"] for one in listed["results"]] == ["user"]
    assert [one["role"] for one in following["results"]] == ["assistant"]
    assert listed["results"][0]["text"] == QUESTION["text"]
    assert {"id", "role", "text", "created_at"} <= set(listed["results"][0])


def test_a_refusal_says_what_is_missing(api, bob):
    client = api(bob)

    body = client.post(messages(start(client)), QUESTION).json()

    assert body["status"] == "denied"
    assert body["error"] == "Insufficient permissions"
    assert body["required"] == "read_team_sales"
    assert body["rows"] == []


def test_a_code_continues_the_question(api, carol):
    client = api(carol)
    conversation = start(client)
    asked = client.post(
        messages(conversation), {"text": "Show me all employee records"}
    ).json()
    path = f"/api/v1/conversations/{conversation}/mfa"
    given = {"mfa_session_id": asked["mfa_session_id"]}

    wrong = client.post(path, {**given, "code": "000000"})
    right = client.post(path, {**given, "code": totp_code(carol)})

    assert asked["status"] == "mfa_required"
    assert wrong.json()["status"] == "error"
    assert wrong.json()["message"] == "Invalid verification code"
    assert right.json()["status"] == "answered"
    assert right.json()["rows"]


def test_a_stranger_finds_nothing_anywhere(api, alice, charlie):
    hers = start(api(alice))
    api(alice).post(messages(hers), QUESTION)
    client = api(charlie)
    path = f"/api/v1/conversations/{hers}"

    answers = [
        client.get(path),
        client.patch(path, {"title": "mine"}),
        client.delete(path),
        client.get(messages(hers)),
        client.post(messages(hers), QUESTION),
        client.post(f"{path}/mfa", {"mfa_session_id": str(uuid4()), "code": "123456"}),
        client.get(f"/api/v1/conversations/{uuid4()}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    bodies = {answer.json()["detail"] for answer in answers}
    assert len(bodies) == 1
    assert Conversation.objects.filter(id=hers).exists()
    assert client.get("/api/v1/conversations").json()["results"] == []


@pytest.mark.parametrize("path", ["conversations", "catalogue", "knowledge"])
def test_who_is_not_signed_in_is_told_so(api, path):
    refused = api().get(f"/api/v1/{path}")

    assert refused.status_code == 401
    assert refused.json()["detail"] == "Please log in to use the chatbot"


@pytest.mark.parametrize("position", ["p=\0", "p=x", "p=" + "9" * 40, "o=x", "x"])
def test_a_forged_cursor_is_refused_or_finds_nothing(api, alice, position):
    client = api(alice)
    cursor = base64.b64encode(position.encode()).decode()

    answer = client.get(messages(start(client)), {"cursor": cursor})

    assert answer.status_code in (200, 400, 404)
    assert answer.json().get("results", []) == []


def test_a_repeated_key_is_answered_once(api, alice):
    client = api(alice)
    path = messages(start(client))

    first = client.post(path, QUESTION, headers={"Idempotency-Key": "k1"})
    again = client.post(path, QUESTION, headers={"Idempotency-Key": "k1"})
    other = client.post(path, {"text": "hello"}, headers={"Idempotency-Key": "k1"})

    assert again.json() == first.json()
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    assert other["Content-Type"] == "application/problem+json"


def test_a_key_in_flight_answers_409_with_a_time(api, alice):
    from django.utils import timezone

    from chat.services import idempotency

    client = api(alice)
    conversation = start(client)
    idempotency.begin(
        Conversation.objects.get(id=conversation),
        key="k1",
        body=QUESTION["text"],
        now=timezone.now(),
    )

    refused = client.post(
        messages(conversation), QUESTION, headers={"Idempotency-Key": "k1"}
    )

    assert refused.status_code == 409
    assert 1 <= int(refused["Retry-After"]) <= 60


def test_anonymous_callers_ask_ten_times_a_minute(api):
    client = api()
    ask = {"text": "What are your opening hours?"}

    answers = [client.post("/api/v1/public/messages", ask) for _ in range(11)]

    assert [one.status_code for one in answers] == [200] * 10 + [429]
    assert "8:00 to 18:00" in answers[0].json()["message"]
    assert answers[0]["RateLimit"] == '"anonymous";r=9;t=60'
    assert answers[0]["RateLimit-Policy"] == '"anonymous";q=10;w=60'
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert answers[-1]["RateLimit"].startswith('"anonymous";r=0;')
    assert answers[-1]["Content-Type"] == "application/problem+json"


def test_the_public_door_ignores_who_is_signed_in(api, alice):
    body = api(alice).post("/api/v1/public/messages", QUESTION).json()

    assert body["status"] == "denied"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"text": 5}, 200),
        ({"text": None}, 400),
        ({"text": ["a"]}, 400),
        ({"text": "x" * 4001}, 400),
        ({"text": " "}, 400),
        ([], 400),
        ("text", 400),
    ],
)
def test_bad_bodies_are_refused(api, alice, body, status):
    client = api(alice)

    answer = client.post(messages(start(client)), body)

    assert answer.status_code == status, answer.content
    if status == 400:
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [{}, {"mfa_session_id": "x", "code": "1"}, {"mfa_session_id": str(uuid4())}],
    ids=range(3),
)
def test_bad_codes_are_refused(api, alice, body):
    client = api(alice)

    path = f"/api/v1/conversations/{start(client)}/mfa"

    assert client.post(path, body).status_code == 400


def test_a_title_that_does_not_fit_is_refused(api, alice):
    refused = api(alice).post("/api/v1/conversations", {"title": "x" * 121})

    assert refused.status_code == 400
    assert "title" in refused.json()["errors"]


def test_the_catalogue_lists_what_one_may_run(api, alice, erin, dan):
    def keys(user):
        found = api(user).get("/api/v1/catalogue").json()["results"]
        return {one["key"] for one in found}

    assert "team_sales" in keys(alice)
    assert "team_sales" not in keys(erin)
    assert "sales_summary" in keys(dan)
    assert "sales_detail" not in keys(dan)
    assert "company_directory" in keys(erin)
    one = api(erin).get("/api/v1/catalogue").json()["results"][0]
    assert {"key", "title", "examples", "parameters", "permission"} <= set(one)
    assert "sql" not in one


def test_the_knowledge_base_finds_articles(api, erin):
    found = api(erin).get("/api/v1/knowledge", {"q": "reset my password"}).json()

    assert found["results"][0]["slug"] == "reset-password"


def test_an_article_behind_a_permission_is_not_found(api, erin, alice):
    from chat.models import Article

    Article.objects.create(
        slug="secret", title="Discounts", body="zebra", permission="approve_discounts"
    )
    Article.objects.create(slug="nobody", title="Nobody", body="zebra", permission="")

    def found(user):
        results = api(user).get("/api/v1/knowledge", {"q": "zebra"}).json()["results"]
        return [one["slug"] for one in results]

    assert found(erin) == []
    assert found(alice) == ["secret"]


def test_lists_cost_the_same_however_long(api, alice, django_assert_max_num_queries):
    client = api(alice)
    for _ in range(5):
        start(client, title="Sales")

    with django_assert_max_num_queries(6):
        assert len(client.get("/api/v1/conversations").json()["results"]) == 5


def test_the_catalogue_costs_the_same_however_long(
    api, alice, django_assert_max_num_queries
):
    client = api(alice)
    assert QueryDefinition.objects.count() >= 20

    with django_assert_max_num_queries(8):
        client.get("/api/v1/catalogue")


def test_a_turn_costs_a_known_number_of_statements(
    api, alice, django_assert_max_num_queries
):
    client = api(alice)
    path = messages(start(client))
    client.post(path, QUESTION)

    with django_assert_max_num_queries(26):
        assert client.post(path, QUESTION).json()["status"] == "answered"


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD0lMDA=", "bz0tMQ==", "%00"])
def test_a_forged_cursor_is_refused(api, alice, cursor):
    client = api(alice)
    conversation = start(client)
    client.post(messages(conversation), QUESTION)

    for path in ("/api/v1/conversations", messages(conversation)):
        assert client.get(path, {"cursor": cursor}).status_code in (200, 400, 404)


@pytest.mark.django_db(transaction=True)
def test_a_code_sent_eight_times_at_once_gives_one_answer(api, carol):
    client = api(carol)
    conversation = start(client)
    asked = client.post(
        messages(conversation), {"text": "Show me all employee records"}
    ).json()
    body = {"mfa_session_id": asked["mfa_session_id"], "code": totp_code(carol)}
    answers = []
    together = threading.Barrier(8)
    clients = [api(carol) for _ in range(8)]
    for one in clients:
        one.credentials(**client._credentials)

    def send(one):
        together.wait()
        try:
            path = f"/api/v1/conversations/{conversation}/mfa"
            answers.append(one.post(path, body).json())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=[one]) for one in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one.get("status") for one in answers].count("answered") == 1
    assert len(answers) == 8
    assert sum(bool(one.get("rows")) for one in answers) == 1
