from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import CodeAlreadyUsed, InvalidCode
from accounts.models import TOTPFactor
from accounts.services import factors
from accounts.tests.factories import make_user, totp_code
from accounts.tests.race import race
from chatsec.core.errors import NotFound


def wrong_code(user):
    """Return six digits that are right at no moment near now."""
    now = timezone.now()
    near = {totp_code(user, now + timedelta(seconds=30 * n)) for n in range(-3, 4)}
    return next(f"{n:06d}" for n in range(10) if f"{n:06d}" not in near)


def step_now():
    return int(timezone.now().timestamp()) // 30


def code_at_step(user, step):
    return totp_code(user, datetime.fromtimestamp(step * 30, tz=UTC))


@pytest.mark.django_db
def test_a_factor_counts_once_its_first_code_is_right():
    alice = make_user("alice")
    factor = factors.enrol_totp(alice)
    code = totp_code(alice)
    assert not factors.verify_code(alice, code)

    factors.confirm_totp(alice, code)

    factor.refresh_from_db()
    assert factor.confirmed
    assert factors.verify_code(alice, totp_code(alice))


@pytest.mark.django_db
def test_a_wrong_first_code_confirms_nothing():
    alice = make_user("alice")
    factors.enrol_totp(alice)

    with pytest.raises(InvalidCode):
        factors.confirm_totp(alice, wrong_code(alice))

    assert not TOTPFactor.objects.get().confirmed


@pytest.mark.django_db
def test_there_is_nothing_to_confirm_before_enrolment():
    with pytest.raises(NotFound):
        factors.confirm_totp(make_user("alice"), "123456")


@pytest.mark.django_db
def test_a_new_enrolment_replaces_one_that_was_not_finished():
    alice = make_user("alice")
    first = factors.enrol_totp(alice)

    second = factors.enrol_totp(alice)

    assert list(TOTPFactor.objects.all()) == [second]
    assert first.secret != second.secret


@pytest.mark.django_db
def test_the_secret_is_sealed():
    carol = make_user("carol", totp=True)
    secret = TOTPFactor.objects.get().secret

    with connection.cursor() as cursor:
        cursor.execute("SELECT f::text FROM accounts_totpfactor f")
        (row,) = cursor.fetchone()

    assert len(secret) == 20
    assert secret.hex() not in row
    assert secret.hex().encode().hex() not in row
    assert carol.is_active


@pytest.mark.django_db
def test_a_code_is_good_once():
    carol = make_user("carol", totp=True)
    code = totp_code(carol)

    assert factors.verify_code(carol, code)
    assert not factors.verify_code(carol, code)
    with pytest.raises(CodeAlreadyUsed) as refused:
        factors.require_code(carol, code)
    assert 1 <= refused.value.retry_after_seconds <= 31


@pytest.mark.django_db
def test_an_older_code_is_spent_with_a_newer_one():
    carol = make_user("carol", totp=True)
    now = timezone.now()
    older, newer = totp_code(carol, now), totp_code(carol, now + timedelta(seconds=30))

    assert factors.verify_code(carol, newer)

    with pytest.raises(CodeAlreadyUsed):
        factors.require_code(carol, older)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("steps", "good"), [(-3, False), (-1, True), (0, True), (1, True), (3, False)]
)
def test_it_tolerates_one_step(steps, good):
    carol = make_user("carol", totp=True)

    begun_in = step_now()
    found = factors.verify_code(carol, code_at_step(carol, begun_in + steps))
    if step_now() != begun_in:  # the half minute ended in between
        found = factors.verify_code(carol, code_at_step(carol, step_now() + steps))

    assert found is good


@pytest.mark.django_db
@pytest.mark.parametrize(
    "disguise",
    [
        lambda code: "".join(chr(ord(c) + 0xFEE0) for c in code),
        lambda code: f" {code}",
        lambda code: f"{code}\n",
        lambda code: f"{code[:3]}_{code[3:]}",
        lambda code: f"{code[:3]} {code[3:]}",
        lambda code: f"0{code}",
        lambda code: f"+{code}",
        lambda code: "",
    ],
)
def test_it_takes_six_ascii_digits_only(disguise):
    carol = make_user("carol", totp=True)

    assert not factors.verify_code(carol, disguise(totp_code(carol)))


@pytest.mark.django_db
def test_a_code_of_somebody_else_is_wrong():
    carol, dan = make_user("carol", totp=True), make_user("dan", totp=True)

    with pytest.raises(InvalidCode):
        factors.require_code(carol, totp_code(dan))


@pytest.mark.django_db
def test_a_removed_factor_verifies_nothing():
    carol = make_user("carol", totp=True)
    code = totp_code(carol)

    factors.remove_factor(TOTPFactor.objects.get())

    assert not factors.verify_code(carol, code)


@pytest.mark.django_db
def test_the_app_reads_who_and_where_from_the_link():
    factor = factors.enrol_totp(make_user("alice"))

    link = factor.provisioning_uri()

    assert link.startswith("otpauth://totp/Demo%20Organisation%3Aalice?")
    assert f"secret={factor.secret_base32}" in link


def use_in_parallel(runners):
    carol = make_user("carol", totp=True)
    code = totp_code(carol)
    return race(runners, lambda: factors.verify_code(carol, code))


@pytest.mark.django_db(transaction=True)
def test_of_parallel_uses_one_counts():
    assert sorted(use_in_parallel(16)) == [False] * 15 + [True]


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_trial", range(50))
def test_of_parallel_uses_one_counts_every_time(_trial):
    assert sorted(use_in_parallel(16)) == [False] * 15 + [True]


@pytest.mark.django_db(transaction=True)
def test_parallel_enrolments_leave_one_waiting():
    alice = make_user("alice")

    results = race(6, lambda: factors.enrol_totp(alice))

    assert all(isinstance(result, TOTPFactor) for result in results), results
    assert TOTPFactor.objects.filter(user=alice).count() == 1


@pytest.mark.django_db
def test_its_name_is_sealed():
    alice = make_user("alice")
    named = factors.enrol_totp(alice, name="Anna's phone")

    stored = TOTPFactor.objects.get(id=named.id)
    assert stored.name == "Anna's phone"
    assert b"Anna" not in bytes(stored.name_sealed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(f)::text FROM accounts_totpfactor f")
        assert "Anna" not in cursor.fetchone()[0]
    assert factors.enrol_totp(alice).name == "Authenticator app"
