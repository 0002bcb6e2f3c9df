import pytest

from auditlog import events
from auditlog.models import Event
from auditlog.services import record

pytestmark = pytest.mark.django_db


def test_it_writes():
    event_id = record(events.CHATBOT_QUERY, details={"intent": "x"})

    assert Event.objects.get(pk=event_id).event_type == "chatbot_query"
