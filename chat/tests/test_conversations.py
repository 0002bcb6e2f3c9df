"""Conversations end whole, whatever is going on in them."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from chat import pipeline
from chat.models import Conversation, Message
from chat.personal_data import expire_conversations
from chat.services.conversations import delete_conversation, start_conversation

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def wait_for_a_lock():
    """Return once another connection waits for a row of this one."""
    pause = threading.Event()
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
        pause.wait(0.02)
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
def test_a_message_on_its_way_is_deleted_too(catalogue, acting, alice):
    actor = acting(alice)
    conversation = start_conversation(actor)
    failed = []

    def delete():
        try:
            delete_conversation(actor, conversation_id=conversation.id)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            connections.close_all()

    deleting = threading.Thread(target=delete)
    with transaction.atomic():
        pipeline.answer_message(actor, conversation, "hello")
        deleting.start()
        wait_for_a_lock()
    deleting.join()

    assert failed == []
    assert not Conversation.objects.filter(id=conversation.id).exists()
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_retention_looks_again_at_what_was_in_use(catalogue, acting, alice):
    actor = acting(alice)
    conversation = start_conversation(actor)
    long_ago = timezone.now() - timedelta(days=400)
    Conversation.objects.update(last_message_at=long_ago)
    expired = []

    def expire():
        try:
            before = timezone.now() - timedelta(days=90)
            expired.append(expire_conversations(before, frozenset()))
        except Exception as error:  # noqa: BLE001 - told below
            expired.append(error)
        finally:
            connections.close_all()

    expiring = threading.Thread(target=expire)
    with transaction.atomic():
        pipeline.answer_message(actor, conversation, "hello")
        expiring.start()
        wait_for_a_lock()
    expiring.join()

    assert expired == [0]
    assert Message.objects.filter(conversation=conversation).count() == 2
