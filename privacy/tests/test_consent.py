"""Consent counts at once, both ways, and every word of it is kept."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.tests.race import race
from chatsec.core import crypto
from chatsec.core.context import ANONYMOUS
from chatsec.core.errors import Denied, Invalid, NotFound, Unauthenticated
from privacy import selectors
from privacy.errors import ConsentRequired, NotConsentBased
from privacy.models import ConsentEvent, ConsentState, NoticeVersion, Purpose
from privacy.services import consent, keys, processing
from privacy.tests.factories import actor_of

pytestmark = pytest.mark.django_db
OPTIONAL = "improve_service"


def test_optional_purposes_are_off_until_somebody_agrees(alice):
    rows = selectors.list_consents(alice.id)

    assert {row.purpose.key for row in rows if row.purpose.optional} == {OPTIONAL}
    assert not any(row.granted for row in rows)
    assert selectors.consent_missing(actor_of(alice), OPTIONAL)


def test_consent_counts_at_once_and_so_does_its_withdrawal(alice):
    consent.give_consent(actor_of(alice), purpose=OPTIONAL)
    assert not selectors.consent_missing(actor_of(alice), OPTIONAL)

    consent.withdraw_consent(actor_of(alice), purpose=OPTIONAL)
    assert selectors.consent_missing(actor_of(alice), OPTIONAL)


def test_consent_of_one_is_not_consent_of_another(alice, charlie):
    consent.give_consent(actor_of(alice), purpose=OPTIONAL)

    assert selectors.consent_missing(actor_of(charlie), OPTIONAL)


@pytest.mark.parametrize(
    ("purpose", "someone", "expected"),
    [
        ("answer_questions", True, True),
        ("answer_questions", False, True),
        ("security_log", True, True),
        (OPTIONAL, True, False),
        (OPTIONAL, False, False),
        ("no_such_purpose", True, False),
        ("no_such_purpose", False, False),
    ],
)
def test_the_basis_decides(alice, purpose, someone, expected):
    assert selectors.has_basis(alice.id if someone else None, purpose) is expected


def test_consent_does_not_count_before_it_was_given(alice):
    now = timezone.now()
    consent.give_consent(actor_of(alice), purpose=OPTIONAL, now=now)

    assert not selectors.has_basis(alice.id, OPTIONAL, now - timedelta(seconds=1))
    assert selectors.has_basis(alice.id, OPTIONAL, now)


def test_the_ledger_keeps_every_word_under_the_notice_that_was_shown(alice):
    consent.give_consent(actor_of(alice), purpose=OPTIONAL)
    consent.withdraw_consent(actor_of(alice), purpose=OPTIONAL)

    events = selectors.list_consent_events(alice.id)

    assert [event.granted for event in events] == [False, True]
    assert {event.notice_id for event in events} == {selectors.get_notice().id}
    assert all(event.pseudonym != alice.id for event in events)


def test_saying_the_same_again_writes_nothing(alice):
    consent.give_consent(actor_of(alice), purpose=OPTIONAL)

    consent.give_consent(actor_of(alice), purpose=OPTIONAL)

    assert selectors.list_consent_events(alice.id).count() == 1


def test_the_ledger_leads_to_nobody_once_the_key_is_destroyed(alice):
    consent.give_consent(actor_of(alice), purpose=OPTIONAL)

    keys.destroy_key(alice.id)

    assert ConsentEvent.objects.count() == 1
    assert not selectors.list_consent_events(alice.id).exists()
    pseudonym = ConsentEvent.objects.get().pseudonym
    assert crypto.subject_keys().subject_of(pseudonym) is None


@pytest.mark.parametrize("change", ["UPDATE", "DELETE"])
def test_the_ledger_refuses_changes_in_the_database(alice, change):
    consent.give_consent(actor_of(alice), purpose=OPTIONAL)
    statement = {
        "UPDATE": "UPDATE privacy_consentevent SET granted = false",
        "DELETE": "DELETE FROM privacy_consentevent",
    }[change]

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


def test_a_contract_is_not_switched_off(alice):
    with pytest.raises(NotConsentBased):
        consent.withdraw_consent(actor_of(alice), purpose="answer_questions")


def test_an_unknown_purpose_is_not_found(alice):
    with pytest.raises(NotFound):
        consent.give_consent(actor_of(alice), purpose="nothing")


def test_nobody_consents_for_nobody():
    with pytest.raises(Unauthenticated):
        consent.give_consent(ANONYMOUS, purpose=OPTIONAL)


@pytest.mark.django_db(transaction=True)
def test_ledger_and_state_tell_the_same_story_under_a_race(alice):
    actor = actor_of(alice)
    turns = iter([consent.give_consent, consent.withdraw_consent] * 8)

    found = race(16, lambda: next(turns)(actor, purpose=OPTIONAL))

    assert not [each for each in found if isinstance(each, Exception)]
    state = ConsentState.objects.get(subject_id=alice.id)
    words = [each.granted for each in selectors.list_consent_events(alice.id)]
    assert words[0] is state.granted
    assert all(one is not other for one, other in pairwise(words))


def test_a_purpose_cannot_be_optional_without_consent_as_its_basis(db):
    with pytest.raises(DatabaseError), transaction.atomic():
        Purpose.objects.filter(key="account").update(optional=True)


def test_collecting_for_a_consent_purpose_is_refused_with_the_agreed_shape(alice):
    with pytest.raises(ConsentRequired) as refusal:
        processing.record_collection(
            actor_of(alice), data_type="question", purpose=OPTIONAL
        )

    assert refusal.value.code == "consent_required"
    assert refusal.value.extra["error"] == "Consent required"
    assert refusal.value.extra["request_consent"] is True


def test_collecting_leaves_evidence_with_its_basis(alice):
    from auditlog import selectors as audit

    consent.give_consent(actor_of(alice), purpose=OPTIONAL)

    event_id = processing.record_collection(
        actor_of(alice),
        data_type="question",
        purpose=OPTIONAL,
        legal_basis="consent",
    )

    read = audit.read_events([audit.get_event(event_id)])[0]
    assert read.details == {
        "data_type": "question",
        "purpose": OPTIONAL,
        "legal_basis": "consent",
    }


def test_collecting_on_another_basis_than_the_registers_is_refused(alice):
    with pytest.raises(Denied):
        processing.record_collection(
            actor_of(alice),
            data_type="question",
            purpose="answer_questions",
            legal_basis="legal_obligation",
        )


def test_collecting_about_another_asks_for_his_consent(alice, bob):
    consent.give_consent(actor_of(alice), purpose=OPTIONAL)

    with pytest.raises(ConsentRequired):
        processing.record_collection(
            actor_of(alice), data_type="note", purpose=OPTIONAL, subject_id=bob.id
        )


def test_a_new_notice_holds_from_now_on(admin):
    before = selectors.get_notice()

    notice = consent.publish_notice(actor_of(admin), body="We changed it.\r\n")

    assert selectors.get_notice() == notice
    assert notice.body == "We changed it.\n"
    assert NoticeVersion.objects.filter(id=before.id).exists()


@pytest.mark.parametrize("body", ["", "  \n "])
def test_an_empty_notice_is_not_published(admin, body):
    with pytest.raises(Invalid):
        consent.publish_notice(actor_of(admin), body=body)


def test_the_same_notice_is_not_published_twice(admin):
    consent.publish_notice(actor_of(admin), body="One")

    with pytest.raises(Invalid):
        consent.publish_notice(actor_of(admin), body="One\n")
