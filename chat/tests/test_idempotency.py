"""A repeated key has one answer."""

import threading
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import connections
from django.utils import timezone

from chat import pipeline
from chat.errors import AnswerFailed, InFlight, KeyReused
from chat.models import IdempotencyRecord, Message
from chat.pipeline import answer_message
from chat.services import idempotency
from chat.services.conversations import start_conversation
from chatsec.core.errors import Invalid
from rbac.models import Assignment

QUESTION = "Show me team sales for Q4"


@pytest.fixture
def talk(catalogue, acting, alice):
    actor = acting(alice)
    return actor, start_conversation(actor)


@pytest.mark.django_db
def test_the_same_request_gets_the_same_answer(talk):
    first = answer_message(*talk, QUESTION, idempotency_key="k1")
    again = answer_message(*talk, QUESTION, idempotency_key="k1")

    assert again.body() == first.body()
    assert Message.objects.count() == 2


@pytest.mark.django_db
def test_another_key_is_another_question(talk):
    first = answer_message(*talk, QUESTION, idempotency_key="k1")

    assert answer_message(*talk, QUESTION, idempotency_key="k2").id != first.id


@pytest.mark.django_db
def test_another_body_under_the_key_is_refused(talk):
    answer_message(*talk, QUESTION, idempotency_key="k1")

    with pytest.raises(KeyReused):
        answer_message(*talk, "hello", idempotency_key="k1")


@pytest.mark.django_db
def test_a_request_in_flight_is_waited_for(talk):
    _, conversation = talk
    idempotency.begin(conversation, key="k1", body=QUESTION, now=timezone.now())

    with pytest.raises(InFlight) as refused:
        answer_message(*talk, QUESTION, idempotency_key="k1")

    assert 1 <= refused.value.retry_after_seconds <= 60


@pytest.mark.django_db
def test_a_request_that_died_can_be_repeated(talk):
    _, conversation = talk
    died_at = timezone.now() - timedelta(minutes=2)
    idempotency.begin(conversation, key="k1", body=QUESTION, now=died_at)

    answer = answer_message(*talk, QUESTION, idempotency_key="k1")

    assert answer.status == "answered"


@pytest.mark.django_db
def test_a_failed_request_frees_its_key(talk, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "execute", lambda plan: 1 / 0)
        with pytest.raises(AnswerFailed):
            answer_message(*talk, QUESTION, idempotency_key="k1")

    assert answer_message(*talk, QUESTION, idempotency_key="k1").rows


@pytest.mark.django_db
def test_a_repeated_answer_is_released_again(talk, alice):
    answer_message(*talk, QUESTION, idempotency_key="k1")
    Assignment.objects.filter(user=alice).update(revoked_at=timezone.now())

    again = answer_message(*talk, QUESTION, idempotency_key="k1")

    assert again.rows == ()
    assert "[no longer shown]" in again.message


@pytest.mark.django_db
def test_a_repeated_step_up_names_the_same_challenge(catalogue, acting, carol):
    actor = acting(carol)
    conversation = start_conversation(actor)
    question = "Show me all employee records"

    first = answer_message(actor, conversation, question, idempotency_key="k1")
    again = answer_message(actor, conversation, question, idempotency_key="k1")

    assert again.extra["mfa_session_id"] == first.extra["mfa_session_id"]


@pytest.mark.django_db
def test_the_key_is_free_again_after_a_day(talk):
    yesterday = timezone.now() - timedelta(hours=25)
    first = answer_message(*talk, QUESTION, idempotency_key="k1", now=yesterday)

    assert answer_message(*talk, QUESTION, idempotency_key="k1").id != first.id


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"], ids=range(3))
def test_it_refuses_keys_that_are_none(talk, key):
    with pytest.raises(Invalid):
        answer_message(*talk, QUESTION, idempotency_key=key)


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_are_answered_once(talk):
    actor, conversation = talk
    answers, refused = [], []
    start = threading.Barrier(16)

    def try_it():
        start.wait()
        try:
            answer = answer_message(
                actor, conversation, QUESTION, idempotency_key="race"
            )
            answers.append(answer.id)
        except InFlight as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=try_it) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(answers)) == 1
    assert len(answers) + len(refused) == 16
    assert Message.objects.count() == 2
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_messages_at_once_have_places_of_their_own(talk):
    actor, conversation = talk
    failed = []

    def try_it():
        try:
            answer_message(actor, conversation, "hello")
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    positions = Message.objects.order_by("position").values_list("position", flat=True)
    assert list(positions) == list(range(1, 17))


@pytest.mark.django_db
def test_nobody_can_guess_the_message_from_its_record(talk):
    """An unkeyed digest of a short text is the text, for who tries a few millions."""
    answer_message(*talk, QUESTION, idempotency_key="k1")

    kept = IdempotencyRecord.objects.get()

    assert bytes(kept.body_digest) != sha256(QUESTION.encode()).digest()
    assert bytes(kept.key_digest) != sha256(b"k1").digest()
