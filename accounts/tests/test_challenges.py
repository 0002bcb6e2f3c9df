from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.errors import (
    AccountLocked,
    ChallengeExpired,
    CodeAlreadyUsed,
    FactorRequired,
    InvalidCode,
)
from accounts.models import AttemptBudget, AuthSession, Challenge
from accounts.selectors import actor_for_session
from accounts.services import challenges, factors
from accounts.tests.factories import make_session, make_user, totp_code
from accounts.tests.race import of_kind, race
from accounts.tests.test_factors import wrong_code
from chatsec.core.context import ANONYMOUS, Channel
from chatsec.core.errors import NotFound, Unauthenticated


def actor_of(user):
    return actor_for_session(make_session(user), Channel.API)


def ask(actor, operation="salary"):
    return challenges.start(actor, operation=operation)


def answer(challenge, actor, code, operation="salary"):
    return challenges.complete(
        challenge.id, actor=actor, operation=operation, code=code
    )


@pytest.mark.django_db
def test_the_right_code_steps_the_session_up():
    carol = make_user("carol", totp=True)
    actor = actor_of(carol)

    answered = answer(ask(actor), actor, totp_code(carol))

    session = AuthSession.objects.get(id=actor.session_id)
    assert answered.challenge.session == session
    assert session.stepped_up_at == answered.challenge.completed_at
    assert {"otp", "mfa"} <= set(session.amr)


@pytest.mark.django_db
def test_a_challenge_is_met_once():
    carol = make_user("carol", totp=True)
    actor = actor_of(carol)
    challenge = ask(actor)
    answer(challenge, actor, totp_code(carol))

    with pytest.raises(ChallengeExpired):
        answer(challenge, actor, totp_code(carol))


@pytest.mark.django_db
def test_a_wrong_code_costs_a_try_and_five_end_it():
    carol = make_user("carol", totp=True)
    actor, wrong = actor_of(carol), wrong_code(carol)
    challenge = ask(actor)
    for _ in range(5):
        with pytest.raises(InvalidCode) as refused:
            answer(challenge, actor, wrong)
    assert refused.value.message == "Invalid verification code"

    with pytest.raises(AccountLocked):
        answer(challenge, actor, totp_code(carol))
    AttemptBudget.objects.all().delete()
    with pytest.raises(ChallengeExpired):
        answer(challenge, actor, totp_code(carol))


@pytest.mark.django_db
def test_a_code_typed_twice_costs_no_try():
    carol = make_user("carol", totp=True)
    actor = actor_of(carol)
    code = totp_code(carol)
    assert factors.verify_code(carol, code)
    challenge = ask(actor)

    for _ in range(7):
        with pytest.raises(CodeAlreadyUsed):
            answer(challenge, actor, code)

    challenge.refresh_from_db()
    assert challenge.failed_tries == 0
    assert answer(challenge, actor, totp_code(carol))


@pytest.mark.django_db
def test_a_challenge_is_over_after_five_minutes():
    carol = make_user("carol", totp=True)
    actor = actor_of(carol)
    challenge = ask(actor)
    assert challenge.expires_at - challenge.created_at == timedelta(minutes=5)
    Challenge.objects.update(expires_at=timezone.now())

    with pytest.raises(ChallengeExpired):
        answer(challenge, actor, totp_code(carol))


@pytest.mark.django_db
def test_a_challenge_is_its_users_sessions_and_operations_own():
    carol, charlie = make_user("carol", totp=True), make_user("charlie", totp=True)
    actor = actor_of(carol)
    challenge = ask(actor)
    code = totp_code(carol)

    for somebody, operation in [
        (actor_of(charlie), "salary"),
        (actor_of(carol), "salary"),
        (actor, "financial_report"),
        (ANONYMOUS, "salary"),
    ]:
        with pytest.raises(NotFound):
            answer(challenge, somebody, code, operation)
    with pytest.raises(NotFound):
        challenges.complete_sign_in(challenge.id, code=code)

    assert answer(challenge, actor, code)


@pytest.mark.django_db
def test_a_sign_in_challenge_is_no_step_up():
    carol = make_user("carol", totp=True)
    challenge = challenges.start_sign_in(carol)

    with pytest.raises(NotFound):
        answer(challenge, actor_of(carol), totp_code(carol), "sign_in")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "challenge_id", ["", "nonsense", str(UUID(int=1)), "\x00", "é"]
)
def test_an_unknown_challenge_does_not_exist(challenge_id):
    carol = make_user("carol", totp=True)

    with pytest.raises(NotFound):
        challenges.complete(
            challenge_id, actor=actor_of(carol), operation="salary", code="123456"
        )


@pytest.mark.django_db
def test_without_a_factor_there_is_nothing_to_ask_for():
    with pytest.raises(FactorRequired) as refused:
        ask(actor_of(make_user("erin")))

    assert refused.value.code == "factor_required"


@pytest.mark.django_db
def test_nobody_is_asked_when_nobody_is_signed_in():
    with pytest.raises(Unauthenticated):
        ask(ANONYMOUS)


def answer_in_parallel(runners):
    carol = make_user("carol", totp=True)
    actor = actor_of(carol)
    challenge, code = ask(actor), totp_code(carol)
    return race(runners, lambda: answer(challenge, actor, code))


@pytest.mark.django_db(transaction=True)
def test_of_parallel_answers_one_counts():
    results = answer_in_parallel(16)

    assert of_kind(results, challenges.Answered) == 1
    assert of_kind(results, (AccountLocked, ChallengeExpired)) == 15


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_trial", range(50))
def test_of_parallel_answers_one_counts_every_time(_trial):
    assert of_kind(answer_in_parallel(16), challenges.Answered) == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_wrong_codes_get_five_tries():
    carol = make_user("carol", totp=True)
    actor, wrong = actor_of(carol), wrong_code(carol)
    challenge = ask(actor)

    results = race(16, lambda: answer(challenge, actor, wrong))

    assert of_kind(results, InvalidCode) == 5
    assert Challenge.objects.get().failed_tries == 5
