from datetime import timedelta
from time import sleep

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import AccountLocked
from accounts.models import AttemptBudget
from accounts.services import lockout
from accounts.tests.factories import make_user
from accounts.tests.race import of_kind, race

HOME = "198.51.100.7"


def fail(user=None, *, name="nobody", ip=None, at=None):
    with lockout.attempt(user, name=name, ip=ip, now=at):
        pass


def wait_of(user=None, *, name="nobody", ip=None, at=None):
    with (
        pytest.raises(AccountLocked) as refused,
        lockout.attempt(user, name=name, ip=ip, now=at),
    ):
        pytest.fail("a locked account was checked")
    return refused.value.retry_after_seconds


@pytest.mark.django_db
def test_the_fifth_failure_in_five_minutes_locks_for_fifteen():
    alice, now = make_user("alice"), timezone.now()
    for second in range(5):
        fail(alice, at=now + timedelta(seconds=second))

    last = now + timedelta(seconds=4)
    assert wait_of(alice, at=last) == 15 * 60
    assert wait_of(alice, at=last + timedelta(minutes=14, seconds=59)) == 1
    fail(alice, at=last + timedelta(minutes=15))


@pytest.mark.django_db
def test_four_failures_do_not_lock():
    alice, now = make_user("alice"), timezone.now()
    for _ in range(4):
        fail(alice, at=now)

    with lockout.attempt(alice, ip=None, now=now) as attempt:
        attempt.succeeded = True


@pytest.mark.django_db
def test_failures_older_than_five_minutes_do_not_count():
    alice, now = make_user("alice"), timezone.now()
    for _ in range(4):
        fail(alice, at=now)

    for _ in range(4):
        fail(alice, at=now + timedelta(minutes=5))

    fail(alice, at=now + timedelta(minutes=5))
    assert wait_of(alice, at=now + timedelta(minutes=5)) == 15 * 60


@pytest.mark.django_db
def test_a_success_gives_its_place_back_and_forgives_nothing():
    alice, now = make_user("alice"), timezone.now()
    for _ in range(4):
        fail(alice, at=now)
    for _ in range(10):
        with lockout.attempt(alice, ip=HOME, now=now) as attempt:
            attempt.succeeded = True

    fail(alice, at=now)

    assert wait_of(alice, at=now) == 15 * 60


@pytest.mark.django_db
def test_refused_tries_do_not_prolong_the_lock():
    alice, now = make_user("alice"), timezone.now()
    for _ in range(5):
        fail(alice, at=now)
    for minute in range(15):
        wait_of(alice, at=now + timedelta(minutes=minute))

    fail(alice, at=now + timedelta(minutes=15))


@pytest.mark.django_db
def test_a_crash_is_no_free_try():
    alice, now = make_user("alice"), timezone.now()
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), lockout.attempt(alice, ip=None, now=now):
            _ = 1 / 0

    assert wait_of(alice, at=now) == 15 * 60


@pytest.mark.django_db
def test_one_account_does_not_lock_another():
    alice, bob = make_user("alice"), make_user("bob")
    for _ in range(5):
        fail(alice, ip=HOME)

    fail(bob, ip=HOME)


@pytest.mark.django_db
@pytest.mark.parametrize("variant", ["GHOST", " ghost ", "gh\u200bost"])
def test_variants_of_an_unknown_name_share_a_budget(variant):
    for _ in range(5):
        fail(name="ghost")

    assert wait_of(name=variant) > 0


@pytest.mark.django_db
def test_an_address_has_thirty_failures():
    now = timezone.now()
    for number in range(30):
        fail(name=f"name-{number}", ip=HOME, at=now)

    assert wait_of(name="another", ip=HOME, at=now) == 5 * 60
    fail(name="another", ip="198.51.100.8", at=now)
    fail(name="another", ip=HOME, at=now + timedelta(minutes=5))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("addresses", "outside"),
    [
        ([f"198.51.100.{n}" for n in range(100)], "198.51.101.1"),
        (["2001:db8:1:1::1"] * 30, "2001:db8:1:2::1"),
        ([f"2001:db8:1:1::{n}" for n in range(30)], "2001:db8:1:2::1"),
    ],
)
def test_a_network_has_a_budget(addresses, outside):
    now = timezone.now()
    for number, address in enumerate(addresses):
        fail(name=f"name-{number}", ip=address, at=now)

    assert wait_of(name="another", ip=addresses[-1], at=now) == 5 * 60
    fail(name="another", ip=outside, at=now)


@pytest.mark.django_db
def test_it_keeps_digests_only():
    fail(name="ghost", ip=HOME)

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(b::text, ' ') FROM accounts_attemptbudget b")
        (kept,) = cursor.fetchone()
    assert AttemptBudget.objects.count() == 3
    assert "ghost" not in kept
    assert HOME not in kept


@pytest.mark.django_db
def test_an_administrator_unlocks():
    alice = make_user("alice")
    for _ in range(5):
        fail(alice)

    lockout.unlock_account(alice)

    fail(alice)


def guess_in_parallel(runners):
    alice = make_user("alice")
    checks = []

    def guess():
        with lockout.attempt(alice, ip=HOME):
            checks.append(1)
            sleep(0.02)  # what a hash takes, so that all are in flight at once

    results = race(runners, guess)
    assert of_kind(results, AccountLocked) == runners - len(checks)
    return len(checks)


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_get_five_checks():
    assert guess_in_parallel(16) == 5


@pytest.mark.django_db(transaction=True)
def test_parallel_sign_ins_with_the_right_password_all_get_in():
    alice = make_user("alice")

    def sign_in():
        with lockout.attempt(alice, ip=HOME) as attempt:
            sleep(0.02)
            attempt.succeeded = True

    assert race(16, sign_in) == [None] * 16


@pytest.mark.django_db
def test_places_of_checks_that_never_answered_stay_taken(monkeypatch):
    alice = make_user("alice")
    # Processes that died in the middle; kept, or Python would end them properly.
    died = [lockout.attempt(alice, ip=None) for _ in range(5)]
    for check in died:
        check.__enter__()
    monkeypatch.setattr(lockout, "IN_FLIGHT_PATIENCE", timedelta(milliseconds=100))

    assert wait_of(alice) == 1
    fail(alice, at=timezone.now() + timedelta(minutes=5))
    for check in died:
        check.__exit__(None, None, None)


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_trial", range(20))
def test_sixty_four_parallel_guesses_get_five_checks(_trial):
    assert guess_in_parallel(64) == 5


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_at_many_names_get_thirty_checks():
    checks, names = [], iter(range(1000))

    def guess():
        with lockout.attempt(None, name=f"name-{next(names)}", ip=HOME):
            checks.append(1)
            sleep(0.02)

    results = race(40, guess)

    assert len(checks) == 30
    assert of_kind(results, AccountLocked) == 10
