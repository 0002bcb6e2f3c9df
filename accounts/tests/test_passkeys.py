import copy
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.utils import timezone

from accounts.errors import ChallengeExpired, InvalidPasskey, ProofNeeded
from accounts.models import AuthSession, Challenge, Notice, Passkey
from accounts.selectors import actor_for_session, factor_methods
from accounts.services import (
    challenges,
    enrolment,
    lockout,
    passkey_sign_in,
    proof,
    sign_in,
)
from accounts.tests.factories import make_session, make_user
from accounts.tests.race import of_kind, race
from accounts.tests.soft_passkey import PRESENT, SoftPasskey, set_up_passkey
from auditlog.selectors import list_events
from chatsec.core.context import Channel
from chatsec.core.errors import Conflict, NotFound, Unauthenticated

pytestmark = pytest.mark.django_db


@pytest.fixture
def device(alice):
    return set_up_passkey(alice)


def ask_sign_in(user):
    challenge = challenges.start_sign_in(user)
    return challenge, challenges.ask_for_passkey(challenge)


def test_a_passkey_is_set_up_and_brings_recovery_codes(alice):
    session = make_session(alice)
    proof.record_password_confirmation(session)
    asked = enrolment.begin_passkey(session)

    done = enrolment.finish_passkey(
        session, asked.question_id, SoftPasskey().create(asked.options), name="laptop"
    )

    assert done.factor.name == "laptop"
    assert len(done.recovery_codes) == 10
    assert factor_methods(alice) == ["passkey", "recovery_code"]
    assert set(AuthSession.objects.get().amr) == {"pwd", "pop", "mfa"}
    assert list_events(event_type="accounts.factor_enrolled").count() == 1
    assert Notice.objects.filter(kind="factor_added").count() == 1


def test_it_asks_for_nothing_that_names_the_device_or_person(alice, device):
    session = make_session(alice, stepped_up=True)

    options = enrolment.begin_passkey(session).options

    assert options["attestation"] == "none"
    assert options["rp"]["id"] == "localhost"
    assert str(alice.id) not in str(options)
    assert len(options["excludeCredentials"]) == 1


def test_nothing_of_it_lies_open_in_the_database(alice, device):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_passkey")
        row = b" ".join(
            bytes(value) if isinstance(value, memoryview) else str(value).encode()
            for value in cursor.fetchone()
        )
    assert device.credential_id not in row
    assert device.credential_id.hex().encode() not in row


def test_a_set_up_needs_fresh_proof(alice):
    session = make_session(alice)

    with pytest.raises(ProofNeeded):
        enrolment.begin_passkey(session)
    with pytest.raises(ProofNeeded):
        enrolment.finish_passkey(session, uuid4(), {})


def test_a_set_up_is_its_sessions_own_and_used_once(alice):
    mine, other = make_session(alice), make_session(alice)
    for session in (mine, other):
        proof.record_password_confirmation(session)
    asked = enrolment.begin_passkey(mine)
    answer = SoftPasskey().create(asked.options)

    with pytest.raises(NotFound):
        enrolment.finish_passkey(other, asked.question_id, answer)
    with pytest.raises(NotFound):
        enrolment.finish_passkey(mine, "nonsense", answer)
    enrolment.finish_passkey(mine, asked.question_id, answer)
    with pytest.raises(ChallengeExpired):
        enrolment.finish_passkey(mine, asked.question_id, answer)


def test_a_set_up_is_over_after_five_minutes(alice):
    session = make_session(alice)
    proof.record_password_confirmation(session)
    asked = enrolment.begin_passkey(session)
    Challenge.objects.update(expires_at=timezone.now())

    with pytest.raises(ChallengeExpired):
        enrolment.finish_passkey(
            session, asked.question_id, SoftPasskey().create(asked.options)
        )


def test_a_passkey_belongs_to_one_person_once(alice, device):
    charlie = make_session(make_user("charlie"))
    proof.record_password_confirmation(charlie)
    asked = enrolment.begin_passkey(charlie)

    with pytest.raises(Conflict, match="known already"):
        enrolment.finish_passkey(
            charlie, asked.question_id, device.create(asked.options)
        )
    assert factor_methods(charlie.user) == []


def test_it_is_the_second_factor_of_a_sign_in(alice, device):
    challenge, options = ask_sign_in(alice)

    proven = sign_in.check_second_passkey(challenge.id, device.get(options))

    assert proven.user == alice
    assert proven.amr == ("pwd", "pop", "mfa")
    assert Passkey.objects.get().last_used_at is not None


def test_it_steps_a_session_up(alice, device):
    session = make_session(alice)
    question_id, options = proof.ask_for_passkey(session)

    proof.confirm_passkey(session, question_id, device.get(options))

    proof.require_recent(AuthSession.objects.get(id=session.id))


def lie(**changes):
    def bend(device):
        for name, value in changes.items():
            setattr(device, name, value)

    return bend


LIES = {
    "another site": lie(origin="https://evil.example"),
    "a site that looks like it": lie(origin="http://localhost:8000.evil.example"),
    "another port": lie(origin="http://localhost:8001"),
    "another relying party": lie(host="evil.example"),
    "nobody was there": lie(flags=0),
    "a set-up passed off as an answer": lie(kind="webauthn.create"),
    "no type": lie(kind="webauthn"),
    "another question": lie(challenge="AAAA"),
    "an empty question": lie(challenge=" "),
    "a copy that counts from the start": lie(count=0),
    "the same count again": lie(counts=False),
    "another key": lambda device: setattr(
        device, "key", ec.generate_private_key(ec.SECP256R1())
    ),
    "an unknown credential": lie(credential_id=b"x" * 32),
    "another person's handle": lie(user_handle=b"y" * 32),
}


@pytest.mark.parametrize("what", LIES)
def test_it_believes_no_lie(alice, device, what):
    # Two uses, so that a count that starts again is seen to fall back.
    challenge, options = ask_sign_in(alice)
    sign_in.check_second_passkey(challenge.id, device.get(options))
    challenge, options = ask_sign_in(alice)
    LIES[what](device)

    with pytest.raises(Unauthenticated, match="could not be verified"):
        sign_in.check_second_passkey(challenge.id, device.get(options))

    challenge.refresh_from_db()
    assert challenge.failed_tries == 1
    failed = list_events(event_type="accounts.second_factor_failed").get()
    assert failed.outcome == "failure"


def test_a_question_is_answered_once(alice, device):
    challenge, options = ask_sign_in(alice)
    sign_in.check_second_passkey(challenge.id, device.get(options))

    with pytest.raises(ChallengeExpired):
        sign_in.check_second_passkey(challenge.id, device.get(options))


def test_an_old_question_is_over(alice, device):
    challenge, options = ask_sign_in(alice)
    Challenge.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(ChallengeExpired):
        sign_in.check_second_passkey(challenge.id, device.get(options))


def test_a_question_of_another_session_or_user_is_none(alice, device):
    charlie = make_user("charlie")
    his = set_up_passkey(charlie)
    session, other = make_session(alice), make_session(alice)
    question_id, options = proof.ask_for_passkey(session)

    for stranger in (other, make_session(charlie)):
        with pytest.raises(NotFound):
            proof.confirm_passkey(stranger, question_id, device.get(options))
    # His own passkey does not answer her question.
    with pytest.raises(InvalidPasskey):
        proof.confirm_passkey(session, question_id, his.get(options))


def test_a_step_up_for_one_thing_opens_no_other(alice, device):
    actor = actor_for_session(make_session(alice), Channel.API)
    challenge = challenges.start(actor, operation="one")
    answer = device.get(challenges.ask_for_passkey(challenge))

    with pytest.raises(NotFound):
        challenges.complete_with_passkey(
            challenge.id, actor=actor, operation="other", answer=answer
        )


def test_a_removed_passkey_opens_nothing(alice, device):
    set_up_passkey(alice, name="phone")
    challenge, options = ask_sign_in(alice)
    session = make_session(alice, stepped_up=True)
    handle = Passkey.objects.earliest("created_at").handle

    enrolment.remove_factor(session, handle)

    with pytest.raises(Unauthenticated):
        sign_in.check_second_passkey(challenge.id, device.get(options))


def test_five_wrong_answers_end_a_question(alice, device):
    challenge, options = ask_sign_in(alice)
    stranger = SoftPasskey()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            sign_in.check_second_passkey(challenge.id, stranger.get(options))

    with pytest.raises(ChallengeExpired):
        sign_in.check_second_passkey(challenge.id, device.get(options))


# Without a password.


def test_a_passkey_alone_signs_in(alice, device):
    ticket, options = passkey_sign_in.ask()
    assert options.get("allowCredentials", []) == []
    assert options["userVerification"] == "required"

    proven = passkey_sign_in.check(ticket, device.get(options))

    assert (proven.user, proven.amr) == (alice, ("pop", "mfa"))


def test_alone_it_must_know_its_owner(device):
    device.flags = PRESENT
    ticket, options = passkey_sign_in.ask()

    with pytest.raises(Unauthenticated):
        passkey_sign_in.check(ticket, device.get(options))


def test_alone_it_must_say_whose_it_is(device):
    device.user_handle = None
    ticket, options = passkey_sign_in.ask()

    with pytest.raises(Unauthenticated):
        passkey_sign_in.check(ticket, device.get(options))


def test_a_ticket_is_good_once(device):
    ticket, options = passkey_sign_in.ask()
    passkey_sign_in.check(ticket, device.get(options))

    with pytest.raises(ChallengeExpired):
        passkey_sign_in.check(ticket, device.get(options))


@pytest.mark.parametrize("ticket", ["", "x", "a:b:c", '"x"', "\x00"])
def test_a_forged_ticket_is_none(device, ticket):
    _, options = passkey_sign_in.ask()

    with pytest.raises(ChallengeExpired):
        passkey_sign_in.check(ticket, device.get(options))


def test_a_ticket_of_another_page_is_none(device):
    ticket, _ = passkey_sign_in.ask()
    _, options = passkey_sign_in.ask()

    with pytest.raises(Unauthenticated):
        passkey_sign_in.check(ticket, device.get(options))


def test_asking_makes_no_row(alice):
    passkey_sign_in.ask()

    assert Challenge.objects.count() == 0


def test_a_closed_account_is_not_signed_in_to(alice, device):
    type(alice).objects.update(is_active=False)
    ticket, options = passkey_sign_in.ask()

    with pytest.raises(Unauthenticated):
        passkey_sign_in.check(ticket, device.get(options))


def test_its_owner_gets_in_while_others_have_locked_the_account(alice, device):
    for _ in range(5):
        with lockout.attempt(alice, ip="192.0.2.1"):
            pass
    ticket, options = passkey_sign_in.ask()

    assert passkey_sign_in.check(ticket, device.get(options)).user == alice


@pytest.mark.django_db(transaction=True)
def test_of_parallel_sign_ins_with_one_answer_one_counts():
    device = set_up_passkey(make_user("alice"))
    # A device that does not count: the ticket alone has to see to it.
    device.counts = False
    Passkey.objects.update(sign_count=0)
    device.count = 0
    ticket, options = passkey_sign_in.ask()
    answer = device.get(options)

    results = race(16, lambda: passkey_sign_in.check(ticket, copy.deepcopy(answer)))

    assert of_kind(results, sign_in.Proven) == 1
    assert of_kind(results, ChallengeExpired) == 15


@pytest.mark.django_db(transaction=True)
def test_of_parallel_answers_to_one_question_one_counts():
    alice = make_user("alice")
    device = set_up_passkey(alice)
    challenge, options = ask_sign_in(alice)
    answer = device.get(options)

    results = race(
        16, lambda: sign_in.check_second_passkey(challenge.id, copy.deepcopy(answer))
    )

    assert of_kind(results, sign_in.Proven) == 1
    assert of_kind(results, ChallengeExpired) == 15
