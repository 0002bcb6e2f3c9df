"""The main job, through the API, on real engines."""

import pytest

from accounts.tests.factories import totp_code

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("catalogue"),
]

DENIED = (
    "You don't have access to team sales data. "
    "Contact your administrator if you need access."
)


def ask(client, text, **headers):
    started = client.post("/api/v1/conversations", {})
    assert started.status_code == 201, started.content
    conversation = started.json()["id"]
    path = f"/api/v1/conversations/{conversation}/messages"
    answer = client.post(path, {"text": text}, headers=headers)
    assert answer.status_code == 200, answer.content
    return conversation, answer.json()


def events(api, admin, **query):
    found = api(admin).get("/api/v1/audit/events", query)
    assert found.status_code == 200, found.content
    return found.json()["results"]


def column(answer, name):
    place = answer["columns"].index(name)
    return {row[place] for row in answer["rows"]}


def test_a_manager_sees_the_rows_of_her_team_only(api, alice, admin):
    _, answer = ask(api(alice), "Show me team sales for Q4")

    assert answer["status"] == "answered"
    assert answer["query"] == "team_sales"
    assert answer["slots"] == {"quarter": 4}
    assert column(answer, "team") == {"north-1"}
    granted = events(api, admin, actor="alice", type="authorization_check")
    assert granted[0]["outcome"] == "success"


def test_a_representative_is_told_what_he_lacks(api, bob, admin):
    _, answer = ask(api(bob), "Show me team sales for Q4")

    assert answer["status"] == "denied"
    assert answer["error"] == "Insufficient permissions"
    assert answer["message"] == DENIED
    assert answer["required"] == "read_team_sales"
    assert not answer.get("rows")
    refused = events(api, admin, actor="bob", type="authorization_denied")
    assert refused[0]["outcome"] == "denied"


def test_personnel_records_ask_for_the_code_again(api, carol, admin):
    client = api(carol)

    conversation, answer = ask(client, "Show me all employee records")

    assert answer["status"] == "mfa_required"
    assert "authenticator app" in answer["message"]
    assert not answer.get("rows")
    done = client.post(
        f"/api/v1/conversations/{conversation}/mfa",
        {"mfa_session_id": answer["mfa_session_id"], "code": totp_code(carol)},
    )
    assert done.status_code == 200, done.content
    assert done.json()["status"] == "answered"
    assert done.json()["rows"]
    read = events(api, admin, actor="carol", type="data_access")
    assert read


def test_a_wrong_code_is_refused_in_the_agreed_words(api, carol):
    client = api(carol)
    conversation, answer = ask(client, "Show me all employee records")

    wrong = client.post(
        f"/api/v1/conversations/{conversation}/mfa",
        {"mfa_session_id": answer["mfa_session_id"], "code": "000000"},
    )

    body = wrong.json()
    assert body["status"] == "error"
    assert body["message"] == "Invalid verification code"


def test_finance_reads_the_report_and_others_do_not(api, dan, erin, admin):
    _, report = ask(api(dan), "Show me the financial report")
    _, refusal = ask(api(erin), "Show me the financial report")

    assert report["status"] == "answered"
    assert report["rows"]
    assert refusal["status"] == "denied"
    assert refusal["required"] == "read_financial"
    assert events(api, admin, actor="dan", type="data_access")
    assert events(api, admin, actor="erin", type="authorization_denied")


def test_finance_gets_totals_but_no_single_sales(api, dan):
    _, summary = ask(api(dan), "Show me the sales summary for Q3")
    _, detail = ask(api(dan), "List every single sale in Q3")

    assert summary["status"] == "answered"
    assert detail["status"] == "denied"


def test_anonymous_callers_get_public_answers_ten_times_a_minute(api, admin):
    client = api()

    first = client.post(
        "/api/v1/public/messages", {"text": "What are your opening hours?"}
    )
    others = [
        client.post("/api/v1/public/messages", {"text": "What are your opening hours?"})
        for _ in range(10)
    ]

    assert first.status_code == 200, first.content
    assert first.json()["status"] == "answered"
    assert [found.status_code for found in others] == [200] * 9 + [429]
    assert 1 <= int(others[-1]["Retry-After"]) <= 60
    assert others[-1]["Content-Type"] == "application/problem+json"
    assert events(api, admin, type="chatbot_query")


def test_who_is_not_signed_in_is_told_so(api):
    refused = api().get("/api/v1/conversations")

    assert refused.status_code == 401
    assert refused.json()["detail"] == "Please log in to use the chatbot"
    assert refused["WWW-Authenticate"]


def test_a_stranger_finds_nothing(api, alice, charlie):
    conversation, _ = ask(api(alice), "Show me team sales for Q4")
    client = api(charlie)

    paths = [
        f"/api/v1/conversations/{conversation}",
        f"/api/v1/conversations/{conversation}/messages",
    ]

    assert [client.get(path).status_code for path in paths] == [404, 404]


def test_losing_the_role_changes_the_next_answer_and_hides_the_last(api, alice, admin):
    client = api(alice)
    conversation, answer = ask(client, "Show me team sales for Q4")
    assert answer["status"] == "answered"
    found = (
        api(admin).get("/api/v1/rbac/assignments", {"user": "alice"}).json()["results"]
    )
    path = f"/api/v1/rbac/assignments/{found[0]['id']}"
    removed = api(admin).delete(path, {"reason": "moved to another team"})
    assert removed.status_code == 204, removed.content

    _, again = ask(client, "Show me team sales for Q4")
    read = client.get(f"/api/v1/conversations/{conversation}/messages").json()

    assert again["status"] == "denied"
    assert "[no longer shown]" in str(read)
    assert "north-1" not in str(read)
