"""What is held on a person leaves on request and goes away in time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chat.models import (
    Conversation,
    IdempotencyRecord,
    Message,
    PendingQuestion,
    RecordedAction,
    ReleasedGroup,
)
from chat.pipeline import answer_message
from chat.services.conversations import start_conversation
from chat.services.housekeeping import forget_finished
from chatsec.core.personal_data import declarations

pytestmark = pytest.mark.django_db
OURS = [one for one in declarations() if one.model.startswith("chat.")]


@pytest.fixture
def talks(catalogue, acting, alice, bob):
    """Return alice's and bob's conversations, each with an answered question."""
    found = []
    for user in (alice, bob):
        actor = acting(user)
        conversation = start_conversation(actor)
        answer_message(actor, conversation, "Show me the sales summary")
        found.append(conversation)
    return found


def declared(model):
    (found,) = [one for one in OURS if one.model == model]
    return found


def test_an_export_has_texts_in_clear_and_no_figures(talks, alice):
    messages = list(declared("chat.Message").export(alice.id))
    conversations = list(declared("chat.Conversation").export(alice.id))

    assert messages[0]["text"] == "Show me the sales summary"
    assert "revenue" not in str(messages)
    assert conversations[0]["title"] == "Show me the sales summary"
    assert len(conversations) == 1


def test_an_erasure_takes_everything_of_one_and_nothing_of_others(talks, alice, bob):
    for one in OURS:
        if one.erase is not None:
            one.erase(alice.id)

    assert not Message.objects.filter(conversation__owner=alice).exists()
    assert not Conversation.objects.filter(owner=alice).exists()
    assert Conversation.objects.filter(owner=bob).exists()


def test_actions_and_pending_questions_are_exported(catalogue, acting, alice):
    actor = acting(alice)
    conversation = start_conversation(actor)
    answer_message(actor, conversation, "approve a discount of 500")
    answer_message(actor, conversation, "approve discount")

    (action,) = declared("chat.RecordedAction").export(alice.id)
    (waiting,) = declared("chat.PendingQuestion").export(alice.id)

    assert action["parameters"]["amount"] == 500
    assert waiting["kind"] == "slot"
    declared("chat.RecordedAction").erase(alice.id)
    assert not RecordedAction.objects.exists()


def test_chat_logs_expire_but_not_under_a_hold(talks, alice, bob):
    later = timezone.now() + timedelta(seconds=1)
    held = frozenset({bob.id})
    messages, conversations = declared("chat.Message"), declared("chat.Conversation")

    assert messages.count_expired(later, held) == 2
    assert messages.expire(later, held) == 2
    assert conversations.expire(later, held) == 1
    assert messages.expire(timezone.now() - timedelta(days=90), frozenset()) == 0
    assert Conversation.objects.get().owner_id == bob.id
    assert Message.objects.count() == 2


def test_what_is_over_is_forgotten(talks, acting, alice):
    actor = acting(alice)
    conversation = Conversation.objects.get(owner=alice)
    answer_message(actor, conversation, "approve discount", idempotency_key="k")

    assert forget_finished(now=timezone.now()) == 0
    groups = ReleasedGroup.objects.count()
    assert groups
    assert forget_finished(now=timezone.now() + timedelta(days=2)) == 2 + groups
    assert not ReleasedGroup.objects.exists()
    assert not IdempotencyRecord.objects.exists()
    assert not PendingQuestion.objects.exists()
