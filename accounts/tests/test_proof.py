from datetime import timedelta

import pytest
from django.http import HttpRequest
from django.utils import timezone

from accounts.errors import AccountLocked, InvalidCode, ProofNeeded
from accounts.models import AuthSession
from accounts.services import proof, sessions
from accounts.tests.factories import PASSWORD, make_session, make_user, totp_code
from accounts.tests.race import of_kind, race
from accounts.tests.test_factors import wrong_code
from auditlog.selectors import list_events
from chatsec.core.errors import Invalid

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("alice", totp=True)


@pytest.fixture
def bob():
    """Somebody without a second factor."""
    return make_user("bob")


def needs_proof(session, **when):
    with pytest.raises(ProofNeeded) as refused:
        proof.require_recent(session, **when)
    return refused.value.extra["methods"]


def test_a_sign_in_alone_proves_nothing_recent(alice, bob):
    assert needs_proof(make_session(alice)) == ["totp"]
    assert needs_proof(make_session(bob)) == ["password"]


def test_a_step_up_holds_for_five_minutes(alice):
    session = make_session(alice)
    shown_at = timezone.now()
    sessions.record_step_up(session, now=shown_at)

    proof.require_recent(session, now=shown_at)
    proof.require_recent(session, now=shown_at + timedelta(seconds=299))
    needs_proof(session, now=shown_at + timedelta(seconds=300))
    needs_proof(session, now=shown_at - timedelta(seconds=1))


def test_a_password_proves_who_has_no_second_factor(bob):
    session = make_session(bob)

    proof.confirm_password(HttpRequest(), session, PASSWORD)

    stored = AuthSession.objects.get(id=session.id)
    proof.require_recent(stored)
    needs_proof(stored, now=stored.password_confirmed_at + timedelta(minutes=5))
    assert list_events(event_type="accounts.password_confirmed").count() == 1


def test_a_password_is_too_little_for_who_has_a_second_factor(alice):
    session = make_session(alice)

    with pytest.raises(ProofNeeded):
        proof.confirm_password(HttpRequest(), session, PASSWORD)
    proof.record_password_confirmation(session)
    needs_proof(session)


def test_a_password_given_before_the_first_factor_proves_nothing_after_it(bob):
    session = make_session(bob)
    proof.confirm_password(HttpRequest(), session, PASSWORD)
    from accounts.models import TOTPFactor
    from accounts.services.factors import enrol_totp

    factor = enrol_totp(bob)
    proof.require_recent(session)
    TOTPFactor.objects.filter(id=factor.id).update(confirmed=True)

    assert needs_proof(session) == ["totp"]


def test_a_code_is_a_step_up_of_this_session_only(alice):
    session, other = make_session(alice), make_session(alice)

    answered = proof.confirm_code(session, totp_code(alice))

    assert answered.factor.user_id == alice.id
    proof.require_recent(AuthSession.objects.get(id=session.id))
    needs_proof(AuthSession.objects.get(id=other.id))


@pytest.mark.django_db(transaction=True)
def test_wrong_proofs_share_the_budget_of_sign_in():
    alice, bob = make_user("alice", totp=True), make_user("bob")
    hers, his = make_session(alice), make_session(bob)

    for _ in range(5):
        with pytest.raises(InvalidCode):
            proof.confirm_code(hers, wrong_code(alice))
        with pytest.raises(Invalid, match="not right"):
            proof.confirm_password(HttpRequest(), his, "wrong")

    with pytest.raises(AccountLocked):
        proof.confirm_code(hers, totp_code(alice))
    with pytest.raises(AccountLocked):
        proof.confirm_password(HttpRequest(), his, PASSWORD)
    failed = list_events(event_type="accounts.step_up_failed")
    assert failed.count() == 10


@pytest.mark.django_db(transaction=True)
def test_of_many_wrong_passwords_at_once_five_are_looked_at():
    session = make_session(make_user("bob"))

    results = race(16, lambda: proof.confirm_password(HttpRequest(), session, "wrong"))

    assert of_kind(results, AccountLocked) >= 11
    assert of_kind(results, Invalid) <= 5
