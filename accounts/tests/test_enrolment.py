from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.errors import InvalidCode, ProofNeeded
from accounts.models import AuthSession, Notice, RecoverySheet, TOTPFactor
from accounts.selectors import factor_methods
from accounts.services import enrolment, proof, sessions
from accounts.tests.factories import make_session, make_user, totp_code
from accounts.tests.test_factors import wrong_code
from chatsec.core.errors import Conflict, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob():
    """Somebody without a second factor, who has just given his password."""
    return proven(make_session(make_user("bob")))


def proven(session):
    proof.record_password_confirmation(session)
    return session


def code_of(factor):
    """Return a good code of this very app, of which its owner may have several."""
    from django_otp.oath import TOTP

    clock = TOTP(factor.secret)
    clock.time = timezone.now().timestamp()
    return f"{clock.token():06d}"


def test_the_first_factor_brings_recovery_codes_and_counts_as_shown(bob):
    waiting = enrolment.begin_totp(bob, name="phone")

    enrolled = enrolment.finish_totp(bob, code_of(waiting))

    assert enrolled.factor.name == "phone"
    assert len(enrolled.recovery_codes) == 10
    assert factor_methods(bob.user) == ["totp", "recovery_code"]
    proof.require_recent(AuthSession.objects.get(id=bob.id))
    kinds = set(Notice.objects.values_list("kind", flat=True))
    assert {"factor_added", "recovery_codes_made"} <= kinds


def test_the_second_factor_leaves_the_codes_alone(bob):
    enrolment.finish_totp(bob, code_of(enrolment.begin_totp(bob)))
    sheet = RecoverySheet.objects.get()

    waiting = enrolment.begin_totp(bob, name="tablet")
    enrolled = enrolment.finish_totp(bob, code_of(waiting))

    assert enrolled.recovery_codes == ()
    assert RecoverySheet.objects.get().created_at == sheet.created_at
    assert TOTPFactor.objects.filter(confirmed=True).count() == 2


@pytest.mark.parametrize(
    "act",
    [
        enrolment.begin_totp,
        lambda session: enrolment.finish_totp(session, "123456"),
        enrolment.renew_recovery_codes,
        lambda session: enrolment.remove_factor(session, uuid4()),
    ],
)
@pytest.mark.parametrize("has_factor", [False, True])
def test_nothing_happens_without_fresh_proof(act, has_factor):
    session = make_session(make_user("alice", totp=has_factor))
    session.password_confirmed_at = timezone.now() - timedelta(minutes=5)
    session.stepped_up_at = timezone.now() - timedelta(minutes=5)

    with pytest.raises(ProofNeeded):
        act(session)


def test_a_wrong_first_code_confirms_nothing(bob):
    enrolment.begin_totp(bob)

    with pytest.raises(InvalidCode):
        enrolment.finish_totp(bob, wrong_code(bob.user))

    assert factor_methods(bob.user) == []
    assert not RecoverySheet.objects.exists()


def test_a_set_up_is_finished_within_ten_minutes(bob):
    factor = enrolment.begin_totp(bob)
    TOTPFactor.objects.filter(id=factor.id).update(
        created_at=timezone.now() - timedelta(minutes=11)
    )

    with pytest.raises(NotFound):
        enrolment.finish_totp(bob, totp_code(bob.user))


def test_ten_of_a_kind_are_enough(bob):
    TOTPFactor.objects.bulk_create(
        TOTPFactor(user=bob.user, name=str(n), confirmed=True, secret_sealed=b"")
        for n in range(10)
    )
    sessions.record_step_up(bob)

    with pytest.raises(Conflict, match="enough"):
        enrolment.begin_totp(bob)


def test_nobody_removes_anybody_elses_factor():
    alice = make_user("alice", totp=True)
    charlie = make_session(make_user("charlie", totp=True), stepped_up=True)
    factor = TOTPFactor.objects.get(user=alice)

    with pytest.raises(NotFound):
        enrolment.remove_factor(charlie, factor.handle)

    assert TOTPFactor.objects.filter(id=factor.id).exists()


def test_ones_own_factor_is_removed_with_evidence():
    alice = make_user("alice", totp=True)
    session = make_session(alice, stepped_up=True)

    enrolment.remove_factor(session, TOTPFactor.objects.get().handle)

    assert factor_methods(alice) == []
    assert Notice.objects.filter(kind="factor_removed").count() == 1


def test_recovery_codes_need_something_to_stand_in_for(bob):
    with pytest.raises(Conflict, match="Set up"):
        enrolment.renew_recovery_codes(bob)
