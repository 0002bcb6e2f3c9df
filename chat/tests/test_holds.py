"""A legal hold and a deletion that race each other."""

import threading

import pytest
from django.db import connections, transaction

from chat.models import Conversation
from chat.services.conversations import delete_conversation, start_conversation
from chat.tests.test_conversations import wait_for_a_lock
from chatsec.core.errors import Conflict
from privacy.services.retention import place_hold


@pytest.mark.django_db(transaction=True)
def test_a_hold_waits_for_a_deletion_that_did_not_see_it(acting, alice, admin):
    """Once the hold stands, nothing of the person is deleted any more."""
    actor, placer = acting(alice), acting(admin)
    first, second = start_conversation(actor), start_conversation(actor)
    stood = []

    def place():
        try:
            place_hold(placer, subject_id=alice.id, matter="1")
            stood.append(Conversation.objects.filter(id=first.id).exists())
        finally:
            connections.close_all()

    placing = threading.Thread(target=place)
    with transaction.atomic():
        delete_conversation(actor, conversation_id=first.id)
        placing.start()
        wait_for_a_lock()
    placing.join()

    assert stood == [False]
    with pytest.raises(Conflict):
        delete_conversation(actor, conversation_id=second.id)
