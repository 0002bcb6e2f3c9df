"""Questions of programs: answered within their scopes, never stepped up."""

from __future__ import annotations

import pytest

from accounts.services.api_keys import KeyTerms, make_service_key
from accounts.services.service_accounts import create_service_account
from accounts.tests.factories import make_session, totp_code
from accounts.tests.keys import made_for, with_key
from auditlog.selectors import list_events
from chat.models import PendingQuestion
from chatsec.core.context import SYSTEM
from rbac.services import assign_role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
CONVERSATIONS = "/api/v1/conversations"
SUMMARY = "Total sales for Q4 2025"
RECORDS = "Show me all employee records"


def started(client):
    answer = client.post(CONVERSATIONS, {})
    assert answer.status_code == 201, answer.content
    return f"{CONVERSATIONS}/{answer.json()['id']}"


def asked(client, text, conversation=None):
    path = conversation or started(client)
    return client.post(f"{path}/messages", {"text": text})


@pytest.fixture
def importer(admin):
    account = create_service_account("importer", purpose="Reports", responsible=admin)
    assign_role(SYSTEM, user=account.user, role="finance", reason="for the test")
    return account


def service_key(importer, admin, *scopes, **terms):
    wanted = KeyTerms(name="reports", scopes=scopes, **terms)
    return make_service_key(make_session(admin, stepped_up=True), importer, wanted)


def test_it_answers_what_role_and_scope_allow(importer, admin):
    made = service_key(importer, admin, "read_sales_aggregate")

    body = asked(with_key(made.text), SUMMARY).json()

    assert body["status"] == "answered", body
    assert body["rows"]
    (event,) = list_events(event_type="chatbot_query", actor_id=importer.user_id)
    assert event.actor_pseudonym


def test_it_denies_the_same_question_outside_of_the_scope(importer, admin):
    made = service_key(importer, admin, "read_public_faq")

    body = asked(with_key(made.text), SUMMARY).json()

    assert body["status"] == "denied"
    assert body["rows"] == []
    reasons = [one["kind"] for one in body["decision"]["reasons"]]
    assert "outside_scope" in reasons
    assert list_events(event_type="authorization_denied").exists()


@pytest.mark.parametrize("stepped_up", [False, True])
def test_what_needs_a_second_factor_is_denied_to_a_key(api, carol, stepped_up):
    """Though its owner has a factor, and showed it a moment ago elsewhere."""
    client = with_key(made_for(carol, "read_hr_data", "read_pii").text)
    person = api(carol, stepped_up=stepped_up)

    body = asked(client, RECORDS).json()

    assert asked(person, RECORDS).json()["status"] == (
        "answered" if stepped_up else "mfa_required"
    )
    assert (body["status"], body["code"]) == ("denied", "factor_required")
    assert "API key" in body["message"]
    assert body["rows"] == []
    assert "mfa_session_id" not in body


def test_a_key_answers_no_question_that_waits_for_a_code(api, carol):
    person = api(carol)
    conversation = started(person)
    waiting = asked(person, RECORDS, conversation).json()
    client = with_key(made_for(carol, "read_hr_data", "read_pii").text)
    given = {"mfa_session_id": waiting["mfa_session_id"], "code": totp_code(carol)}

    direct = client.post(f"{conversation}/mfa", given)
    as_text = asked(client, totp_code(carol), conversation).json()

    assert (direct.status_code, direct.json()["code"]) == (403, "outside_scope")
    assert as_text.get("rows", []) == []
    assert as_text["status"] != "answered"
    assert PendingQuestion.objects.filter(conversation__owner=carol).exists()


def test_what_its_owner_was_shown_is_released_again_within_the_scope(api, alice):
    person = api(alice)
    conversation = started(person)
    assert asked(person, SUMMARY, conversation).json()["status"] == "answered"
    narrow = with_key(made_for(alice, "read_public_faq").text)

    shown = narrow.get(f"{conversation}/messages")
    own = person.get(f"{conversation}/messages")

    assert "[no longer shown]" in shown.content.decode()
    assert "[no longer shown]" not in own.content.decode()


def test_a_key_changes_and_shares_no_conversation(alice, bob):
    client = with_key(made_for(alice, "read_sales").text)
    conversation = started(client)

    changed = client.patch(conversation, {"title": "mine", "shared_with": ["bob"]})
    deleted = client.delete(conversation)

    assert (changed.status_code, deleted.status_code) == (403, 403)


def test_conversations_of_others_do_not_exist_for_it(
    api, alice, charlie, importer, admin
):
    hers = started(api(alice))
    strangers = (
        with_key(made_for(charlie, "read_public_faq").text),
        with_key(service_key(importer, admin, "read_sales_aggregate").text),
    )

    for client in strangers:
        assert client.get(hers).status_code == 404
        assert client.get(f"{hers}/messages").status_code == 404
        assert asked(client, SUMMARY, hers).status_code == 404


def test_the_catalogue_is_what_the_key_may_run(api, alice):
    def keys(client):
        return {one["key"] for one in client.get("/api/v1/catalogue").json()["results"]}

    mine = keys(api(alice))
    narrow = keys(with_key(made_for(alice, "read_sales").text))

    assert narrow < mine
    assert "sales_summary" in narrow
    assert keys(with_key(made_for(alice, "read_public_faq").text)) < mine


def test_each_key_has_its_own_limit(importer, admin):
    slow = with_key(
        service_key(importer, admin, "read_public_faq", messages_per_minute=2).text
    )
    other = with_key(service_key(importer, admin, "read_public_faq").text)
    conversation = started(slow)

    answers = [asked(slow, "What are your hours?", conversation) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"key";q=2;w=60'
    assert answers[2]["Retry-After"]
    assert asked(other, "What are your hours?", conversation).status_code == 200


def test_a_persons_keys_share_his_own_limit(api, alice, monkeypatch):
    from chat.services import limits

    monkeypatch.setattr(limits, "SIGNED_IN", limits.Limit("user", 2, 60))
    keys = [with_key(made_for(alice, "read_public_faq").text) for _ in range(2)]
    conversation = started(keys[0])

    answers = [asked(key, "What are your hours?", conversation) for key in keys]

    assert [one.status_code for one in answers] == [200, 200]
    assert asked(api(alice), "Hello", conversation).status_code == 429
    assert asked(keys[0], "Hello", conversation).status_code == 429


def test_a_personal_key_may_be_slower_than_its_owner(api, alice):
    slow = with_key(made_for(alice, "read_public_faq", messages_per_minute=1).text)
    conversation = started(slow)

    answers = [asked(slow, "What are your hours?", conversation) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 429]
    assert answers[1]["RateLimit-Policy"] == '"key";q=1;w=60'
    assert asked(api(alice), "What are your hours?", conversation).status_code == 200
