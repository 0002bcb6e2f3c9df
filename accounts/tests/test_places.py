"""Who finds no place is sent away at once, unchecked and uncounted, at every door."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client, override_settings
from rest_framework.test import APIClient

from accounts import constants, pacing, places
from accounts.constants import LOCK_AFTER_FAILURES
from accounts.errors import AccountLocked, Busy
from accounts.models import AttemptBudget, AuthSession
from accounts.places import Places
from accounts.services import lockout, passwords
from accounts.services.invitations import invite
from accounts.services.passwords import ask_reset
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.links import mailed_token
from accounts.tests.race import of_kind, race
from chatsec.core import context
from chatsec.core.context import ANONYMOUS, RequestContext
from chatsec.core.errors import Unauthenticated

TOKEN = "/api/v1/auth/token"
NEW = "seven lanterns drift past noon"
ARGON2 = override_settings(PASSWORD_HASHERS=["accounts.hashers.Argon2idHasher"])


@pytest.fixture
def visitor():
    """Act in somebody's request, not as the system itself."""
    with context.bound(RequestContext(actor=ANONYMOUS)):
        yield


@pytest.fixture
def full():
    """Take every place for hashing, as other requests would; give them back when told.

    What this process itself does waits for one, so it must not ask meanwhile.
    """
    taken = constants.HASHES_AT_ONCE + constants.HASHES_WAITING
    for _ in range(taken):
        assert places.HASHING._free.acquire(blocking=False)
    yield
    for _ in range(taken):
        places.HASHING._free.release()


def test_a_request_that_finds_no_place_is_refused(visitor):
    rooms = Places(1)

    def second():
        with context.bound(RequestContext(actor=ANONYMOUS)), rooms.take():
            pytest.fail("there was a second place")

    with rooms.take(), ThreadPoolExecutor(1) as pool:
        refused = pool.submit(second).exception()

    assert isinstance(refused, Busy)
    assert (refused.code, refused.retry_after_seconds) == ("busy", 1)
    with rooms.take():
        pass


def test_who_has_a_place_needs_no_other(visitor):
    rooms, others = Places(1), Places(0)

    with rooms.take(), rooms.take(), others.take():
        pass


def test_a_place_is_given_back_by_whoever_fails(visitor):
    rooms = Places(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), rooms.take():
            _ = 1 / 0


def test_commands_wait_for_a_place():
    rooms, inside, leave, done = Places(1), Event(), Event(), Event()

    def hold():
        with rooms.take():
            inside.set()
            leave.wait(timeout=30)

    def command():
        with rooms.take():
            done.set()

    threads = [Thread(target=hold), Thread(target=command)]
    threads[0].start()
    assert inside.wait(timeout=30)
    threads[1].start()
    assert not done.is_set()
    leave.set()

    assert done.wait(timeout=30)
    for thread in threads:
        thread.join()


@ARGON2
def test_whatever_hashes_in_a_request_finds_a_place_or_is_refused(visitor, full):
    with pytest.raises(Busy):
        make_password(PASSWORD)
    with pytest.raises(Busy):
        check_password(PASSWORD, "argon2$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AA")


@ARGON2
def test_a_crowd_of_commands_gets_all_its_hashes():
    with ThreadPoolExecutor(20) as pool:
        hashes = list(pool.map(make_password, [PASSWORD] * 20))

    assert len(set(hashes)) == 20


# The doors.
def api_sign_in(name, _):
    return APIClient().post(TOKEN, {"username": name, "password": PASSWORD})


def page_sign_in(name, _):
    return Client().post("/sign-in", {"username": name, "password": PASSWORD})


def api_reset(_, token):
    given = {"token": token("reset"), "password": NEW}
    return APIClient().post("/api/v1/auth/password/reset/confirm", given)


def page_reset(_, token):
    given = {"token": token("reset"), "password": NEW, "again": NEW}
    return Client().post("/password/reset", given)


def api_invitation(_, token):
    given = {"token": token("invitation"), "password": NEW}
    return APIClient().post("/api/v1/auth/invitation", given)


def page_invitation(_, token):
    given = {
        "token": token("invitation"),
        "password": NEW,
        "again": NEW,
        "display_name": "Zoe",
    }
    return Client().post("/invitation", given)


DOORS = [
    api_sign_in,
    page_sign_in,
    api_reset,
    page_reset,
    api_invitation,
    page_invitation,
]


@pytest.mark.django_db
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_a_full_server_refuses_strangers_before_it_counts(door, full):
    alice = make_user("alice")
    ask_reset("alice")
    zoe = invite("zoe", email="zoe@example.org", display_name="zoe")
    tokens = {"reset": mailed_token(alice), "invitation": mailed_token(zoe)}
    AttemptBudget.objects.all().delete()

    answers = [door("alice", tokens.get), door("nobody", tokens.get)]

    for answer in answers:
        assert answer.status_code == 429
        assert answer["Retry-After"] == "1"
        assert constants.BUSY_MESSAGE in answer.content.decode()
    assert not AttemptBudget.objects.exists()
    assert not AuthSession.objects.exists()


@pytest.mark.django_db
def test_busy_is_the_same_for_every_name(full):
    make_user("alice")

    answers = [api_sign_in(name, None).json() for name in ("alice", "nobody")]

    for answer in answers:
        answer.pop("request_id")
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "busy"


@pytest.mark.django_db
def test_the_sign_in_page_keeps_the_name(full):
    page = page_sign_in("alice", None).content.decode()

    assert 'value="alice"' in page
    assert PASSWORD not in page


@pytest.mark.django_db
def test_a_full_server_refuses_the_signed_in_too(full, api, alice):
    sent = {"current_password": PASSWORD, "password": NEW}

    answers = [
        api(alice).post("/api/v1/auth/password", sent),
        api(alice).post("/api/v1/auth/step-up", {"password": PASSWORD}),
    ]

    assert [answer.json()["code"] for answer in answers] == ["busy"] * 2
    assert not AttemptBudget.objects.exists()


# Requests that are refused anyway take nobody's place.
def spend(user, ip):
    """Fail as often as it takes to close the account, or else the address."""
    tries = constants.ADDRESS_FAILURES if user is None else LOCK_AFTER_FAILURES
    for _ in range(tries):
        if user is None:
            with lockout.attempt_from(ip):
                pass
        else:
            with lockout.attempt(user, ip=None):
                pass


@pytest.mark.django_db
@pytest.mark.parametrize("door", [api_sign_in, page_sign_in])
def test_tries_at_a_locked_account_take_no_place(door, full):
    spend(make_user("alice"), None)

    answer = door("alice", None)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 60
    assert constants.BUSY_MESSAGE not in answer.content.decode()


def ask_for_reset(_, __):
    return APIClient().post("/api/v1/auth/password/reset", {"username": "alice"})


@pytest.mark.django_db
@pytest.mark.parametrize("door", [*DOORS, ask_for_reset], ids=lambda d: d.__name__)
def test_tries_from_a_closed_address_take_no_place(door, full, monkeypatch):
    alice = make_user("alice")
    ask_reset("alice")
    monkeypatch.setattr(passwords, "RESETS", Places(0))
    zoe = invite("zoe", email="zoe@example.org", display_name="zoe")
    tokens = {"reset": mailed_token(alice), "invitation": mailed_token(zoe)}
    spend(None, "127.0.0.1")

    answer = door("alice", tokens.get)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 60
    assert constants.BUSY_MESSAGE not in answer.content.decode()


@pytest.mark.django_db
def test_tries_of_a_spent_session_take_no_place(full, api, alice):
    client = api(alice)
    session = AuthSession.objects.get(user=alice)
    actor = replace(ANONYMOUS, person=alice, session_id=session.id)
    with context.bound(RequestContext(actor=actor)):
        spend(alice, None)
    sent = {"current_password": PASSWORD, "password": NEW}

    answers = [
        client.post("/api/v1/auth/password", sent),
        client.post("/api/v1/auth/step-up", {"password": PASSWORD}),
    ]

    assert [answer.json()["code"] for answer in answers] == ["account_locked"] * 2


# Waiting for the tries of others.
@pytest.mark.django_db(transaction=True)
def test_few_wait_for_the_tries_of_others_and_the_rest_is_refused(monkeypatch):
    monkeypatch.setattr(lockout, "IN_FLIGHT_PATIENCE", timedelta(seconds=30))
    alice, checked = make_user("alice"), Event()

    def try_code():
        with (
            context.bound(RequestContext(actor=ANONYMOUS)),
            lockout.attempt(alice, ip=None),
        ):
            checked.wait(timeout=30)

    def release_when_refused():
        refused.wait(timeout=30)
        checked.set()

    refused, results = Event(), []

    def runner():
        found = race(1, try_code)[0]
        results.append(found)
        if of_kind(results, Busy) == 16 - 5 - constants.CODE_PLACES:
            refused.set()

    crowd = [Thread(target=runner) for _ in range(16)]
    opener = Thread(target=release_when_refused)
    for thread in (opener, *crowd):
        thread.start()
    for thread in (opener, *crowd):
        thread.join()

    assert refused.is_set()
    assert of_kind(results, type(None)) == 5
    assert of_kind(results, AccountLocked) == constants.CODE_PLACES


# The time at which failures leave.
@pytest.fixture
def slept(monkeypatch):
    """Stop the clock; return how long each answer was held back."""
    waited = []
    monkeypatch.setattr(constants, "FAILURE_ANSWER_SECONDS", 0.15)
    monkeypatch.setattr(pacing, "monotonic", lambda: 100.0)
    monkeypatch.setattr(pacing, "sleep", lambda s: waited.append(round(s, 6)))
    return waited


@pytest.mark.django_db
@pytest.mark.parametrize("door", [api_sign_in, page_sign_in])
def test_every_failed_sign_in_leaves_at_the_same_time(door, slept):
    make_user("closed", is_active=False)
    make_user("invited", password=None)

    for name in ("closed", "invited", "nobody"):
        door(name, None)

    assert slept == [0.15] * 3


@pytest.mark.django_db
@pytest.mark.parametrize("door", [api_sign_in, page_sign_in])
def test_who_is_right_or_locked_out_is_not_held_back(door, slept):
    make_user("alice")
    door("alice", None)
    assert slept == []

    for _ in range(7):
        door("nobody", None)

    assert slept == [0.15] * 5


def test_a_fault_is_held_back_like_a_failure(slept):
    with (
        pytest.raises(Unauthenticated),
        pacing.answered_after(0.15, only_failures=True),
    ):
        raise Unauthenticated

    assert slept == [0.15]


@pytest.mark.django_db
def test_few_answers_are_held_back_at_once(slept):
    """So nobody can have every thread of a server sleep by sending names."""
    free = []
    pacing.sleep = lambda _: free.append(places.HASHING._free._value)

    api_sign_in("nobody", None)

    most = constants.HASHES_AT_ONCE + constants.HASHES_WAITING
    assert free == [most - 1]


def test_a_server_has_threads_left_when_every_place_is_taken():
    # Read, not imported: it sets up the process that it is loaded in.
    served = Path(settings.BASE_DIR, "chatsec/gunicorn_conf.py").read_text()
    threads = int(re.search(r"^threads = (\d+)$", served, re.MULTILINE)[1])

    held = (
        constants.HASHES_AT_ONCE
        + constants.HASHES_WAITING
        + constants.CODE_PLACES
        + constants.RESET_PLACES
    )
    assert held <= threads - 4
