from __future__ import annotations

import json

import pytest
from uuid_utils.compat import uuid7

from auditlog import events
from auditlog.models import Event
from auditlog.personal_data import export_events
from auditlog.services import Target
from auditlog.tests.factories import destroy_key, make_actor, make_event
from chatsec.core.personal_data import declarations, exemptions

pytestmark = pytest.mark.django_db


def test_everything_here_is_on_the_data_map() -> None:
    assert "auditlog.Event" in {each.model for each in declarations()}
    assert "auditlog.Alert" in exemptions()


def test_a_person_gets_what_he_did_and_what_was_done_about_him() -> None:
    alice, admin = make_actor(), make_actor()
    assert alice.id is not None
    make_event(actor=alice, details={"intent": "sales_summary"})
    make_event(
        events.DATA_ACCESS,
        actor=admin,
        subject_id=alice.id,
        target=Target("accounts.User", alice.id, label="alice"),
        details={"reason": "quarterly review"},
        subject_details={"email": "alice@example.org"},
    )
    make_event(actor=admin, details={"intent": "somebody else's"})

    own, about = export_events(alice.id)

    assert (own["done_by"], own["details"]) == ("you", {"intent": "sales_summary"})
    assert own["country"] == ""
    assert about["done_by"] == "user"
    assert about["about_you"] == {"email": "alice@example.org", "target_label": "alice"}
    assert "details" not in about
    assert str(admin.id) not in json.dumps([own, about])


def test_what_he_did_to_another_says_nothing_of_the_other() -> None:
    admin, alice_id = make_actor(), uuid7()
    assert admin.id is not None
    event = make_event(
        actor=admin,
        subject_id=alice_id,
        target=Target("accounts.User", alice_id, label="alice"),
        details={"reason": "left the company"},
        subject_details={"email": "alice@example.org"},
    )

    (exported,) = export_events(admin.id)

    text = json.dumps(exported)
    assert exported["details"] == {"reason": "left the company"}
    for secret in (alice_id, event.subject_pseudonym, "alice"):
        assert str(secret) not in text


def test_after_erasure_nothing_leads_to_the_person() -> None:
    alice = make_actor()
    assert alice.id is not None
    make_event(actor=alice, details={"intent": "sales_summary"})

    destroy_key(alice.id)

    assert list(export_events(alice.id)) == []
    assert Event.objects.count() == 1
