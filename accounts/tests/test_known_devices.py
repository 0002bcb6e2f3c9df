"""Browsers that their owner signed in on before."""

from datetime import timedelta
from itertools import count

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.constants import MAX_KNOWN_DEVICES
from accounts.errors import AccountLocked
from accounts.models import AttemptBudget, AuthSession, KnownDevice, Notice
from accounts.selectors import actor_for_session
from accounts.services import (
    challenges,
    known_devices,
    lockout,
    notices,
    people,
    proof,
    sessions,
)
from accounts.tests.factories import PASSWORD, make_session, make_user, totp_code
from accounts.tests.race import of_kind, race
from accounts.tests.test_factors import wrong_code
from auditlog.selectors import describe, list_events
from chatsec.core import context
from chatsec.core.context import Channel

pytestmark = pytest.mark.django_db

COOKIE = "device"
NEW_PASSWORD = "another correct horse battery staple"


@pytest.fixture
def alice():
    return make_user("alice")


@pytest.fixture
def charlie():
    return make_user("charlie")


def sign_in(client, name="alice", password=PASSWORD):
    return client.post("/sign-in", {"username": name, "password": password})


def token(client, name="alice", password=PASSWORD, **headers):
    return client.post(
        "/api/v1/auth/token",
        {"username": name, "password": password},
        content_type="application/json",
        **headers,
    )


def signed_out(client):
    assert client.post("/sign-out").status_code == 302
    return client


def lock(name="alice"):
    """A stranger guesses until the account is locked."""
    for _ in range(5):
        sign_in(Client(), name, "wrong")
    assert sign_in(Client(), name).status_code == 429


def told(user, kind="new_device"):
    return Notice.objects.filter(user=user, kind=kind).count()


def test_the_cookie_is_for_this_site_alone(alice):
    client = Client()

    sign_in(client)

    cookie = client.cookies[COOKIE]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert int(cookie["max-age"]) == 90 * 24 * 60 * 60


def test_over_tls_it_has_the_host_prefix(settings):
    settings.SESSION_COOKIE_SECURE = True
    settings.CHATSEC_DEVICE_COOKIE = "__Host-device"
    make_user("alice")
    client = Client()

    sign_in(client)

    assert client.cookies["__Host-device"]["secure"]


def test_nobody_gets_one_without_signing_in(alice):
    client = Client()

    sign_in(client, password="wrong")
    client.get("/sign-in")

    assert COOKIE not in client.cookies


def test_the_first_sign_in_has_the_mark_of_those_that_follow(alice, charlie):
    client, elsewhere = Client(), Client()
    sign_in(client)
    sign_in(signed_out(client))
    # Who shares the browser later shares its oldest mark.
    sign_in(signed_out(client), "charlie")
    sign_in(elsewhere)

    events = list_events(event_type="accounts.signed_in").order_by("event_id")
    first, second, shared, other = (bytes(event.device_hash) for event in events)
    assert first == second == shared != other
    told_of = list_events(event_type="accounts.new_device").order_by("event_id")
    assert [bytes(event.device_hash) for event in told_of] == [first, first, other]


def test_a_new_device_is_told_once(alice):
    client = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})

    sign_in(client)
    sign_in(signed_out(client))

    assert told(alice) == 1
    notices.deliver_due()
    [letter] = mail.outbox
    assert "Firefox on Linux" in letter.body
    assert "127.0.0.1" in letter.body
    assert list_events(event_type="accounts.new_device").count() == 1


def test_each_new_device_is_told(alice):
    for _ in range(3):
        sign_in(Client())

    assert told(alice) == 3


def test_an_app_is_told_once_for_its_kind_and_network(alice):
    phone, laptop = {"HTTP_USER_AGENT": "chatsec-app/2"}, {"HTTP_USER_AGENT": "curl/8"}

    for headers in (phone, phone, laptop):
        assert token(Client(), **headers).status_code == 200
    assert told(alice) == 2

    token(Client(), **phone, REMOTE_ADDR="203.0.113.9")
    assert told(alice) == 3


def test_who_is_locked_out_elsewhere_still_signs_in_on_his_own_device(alice):
    client = Client()
    sign_in(client)
    signed_out(client)

    lock()

    answer = sign_in(client)
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_his_code_counts_there_too():
    carol = make_user("carol", totp=True)
    client = Client()
    sign_in(client, "carol")
    client.post("/sign-in/code", {"code": totp_code(carol)})
    signed_out(client)
    for _ in range(5):
        sign_in(Client(), "carol", "wrong")

    assert sign_in(client, "carol").status_code == 302
    answer = client.post("/sign-in/code", {"code": totp_code(carol)})

    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_his_own_device_has_five_tries_and_no_more(alice):
    client = Client()
    sign_in(client)
    signed_out(client)

    codes = [sign_in(client, password="wrong").status_code for _ in range(7)]

    assert codes == [400] * 5 + [429] * 2
    assert sign_in(client).status_code == 429
    # That says nothing about anybody else's tries, or his own elsewhere.
    assert sign_in(Client()).status_code == 302


def test_a_cookie_opens_nobody_elses_lock(alice, charlie):
    stranger = Client()
    sign_in(stranger, "charlie")
    signed_out(stranger)

    lock()

    assert sign_in(stranger).status_code == 429


@pytest.mark.parametrize("forge", ["", "x", "a.b.c", "a:b", "\x00", "é" * 50])
def test_a_forged_cookie_is_no_device(alice, forge):
    lock()
    client = Client()
    client.cookies[COOKIE] = forge

    assert sign_in(client).status_code == 429


def test_a_mark_that_was_tampered_with_is_no_device(alice):
    client = Client()
    sign_in(client)
    signed_out(client)
    lock()
    good = client.cookies[COOKIE].value
    client.cookies[COOKIE] = ("b" if good[0] == "a" else "a") + good[1:]

    assert sign_in(client).status_code == 429


def test_two_people_share_a_browser(alice, charlie):
    client = Client()
    for name in ("alice", "charlie", "alice", "charlie"):
        sign_in(client, name)
        signed_out(client)

    assert (told(alice), told(charlie)) == (1, 1)
    marks = known_devices.read_cookie(client.cookies[COOKIE].value)
    assert len(marks) == 2


def test_the_table_holds_no_mark(alice):
    client = Client()
    sign_in(client)

    [mark] = known_devices.read_cookie(client.cookies[COOKIE].value)
    device = KnownDevice.objects.get()
    assert mark.encode() not in bytes(device.digest)
    assert len(mark) >= 43  # 256 bits


def test_a_device_is_forgotten_after_ninety_days(alice):
    client = Client()
    sign_in(client)
    signed_out(client)
    old = timezone.now() - timedelta(days=91)
    KnownDevice.objects.update(last_used_at=old)

    lock()

    assert sign_in(client).status_code == 429


def test_a_device_that_its_owner_signed_out_is_a_stranger(alice):
    client = Client()
    sign_in(client)
    sessions.revoke_own_session(alice, AuthSession.objects.get().id)

    lock()

    assert sign_in(client).status_code == 429
    assert KnownDevice.objects.count() == 0


def test_with_a_new_password_every_device_is_a_stranger(alice):
    client = Client()
    sign_in(client)
    signed_out(client)

    people.set_password(alice, NEW_PASSWORD)
    lock()

    assert sign_in(client, password=NEW_PASSWORD).status_code == 429


def test_there_are_so_many_and_no_more(alice):
    for _ in range(MAX_KNOWN_DEVICES + 3):
        sign_in(Client())

    assert KnownDevice.objects.filter(user=alice).count() == MAX_KNOWN_DEVICES


def test_an_app_gets_no_budget_of_its_own(alice):
    token(Client())
    lock()

    assert token(Client()).status_code == 429


def test_a_session_steps_up_while_the_account_is_locked(admin):
    session = make_session(admin, kind="browser")
    lock("admin")
    context.set_actor(actor_for_session(session, Channel.WEB))

    proof.confirm_code(session, totp_code(admin))

    session.refresh_from_db()
    assert session.stepped_up_at is not None


def test_a_session_guesses_five_codes_and_no_more(admin):
    session = make_session(admin)
    context.set_actor(actor_for_session(session, Channel.API))
    for _ in range(5):
        with pytest.raises(challenges.InvalidCode):
            proof.confirm_code(session, wrong_code(admin))

    with pytest.raises(AccountLocked):
        proof.confirm_code(session, totp_code(admin))


def test_locks_leave_evidence_that_tells_which(alice):
    client = Client()
    sign_in(client)
    signed_out(client)
    for _ in range(5):
        sign_in(client, password="wrong")
    lock()

    alerts = list_events(event_type="security_alert")
    taken = {describe(each)["action_taken"] for each in alerts}
    assert taken == {"device_locked", "account_locked"}


def test_the_owner_hears_of_a_lock_once_in_a_while(alice):
    lock()
    AttemptBudget.objects.update(locked_until=None, tries={})
    lock()

    assert told(alice, "account_locked") == 1
    assert "5 failed sign-ins" in Notice.objects.get(kind="account_locked").text


def test_an_administrator_unlocks_all_of_it(alice):
    client = Client()
    sign_in(client)
    signed_out(client)
    for _ in range(5):
        sign_in(client, password="wrong")

    lockout.unlock_account(alice)

    assert sign_in(client).status_code == 302


def test_an_unknown_name_asks_the_database_as_much(alice):
    context.set_devices(("a mark of somebody else",))

    asked = []
    for user in (alice, None):
        with CaptureQueriesContext(connection) as seen:
            lockout._own_keys(user)
        asked.append(len(seen))

    assert asked == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_of_parallel_tries_on_a_known_device_five_are_checked():
    alice = make_user("alice")
    client = Client()
    sign_in(client)
    marks = known_devices.read_cookie(client.cookies[COOKIE].value)
    checked = []

    def guess():
        here = context.RequestContext(devices=marks)
        with context.bound(here), lockout.attempt(alice, ip=None):
            checked.append(1)

    results = race(16, guess)

    assert len(checked) == 5
    assert of_kind(results, AccountLocked) == 11


@pytest.mark.django_db(transaction=True)
def test_signing_in_while_devices_are_forgotten_fails_for_nobody():
    alice = make_user("alice")
    client = Client()
    sign_in(client)
    cookies = client.cookies
    turns = count()

    def act():
        with context.bound(context.RequestContext()):
            turn = next(turns)
            if turn % 3 == 0:
                return sessions.sign_out_everywhere(alice)
            if turn % 3 == 1:
                return token(Client()).status_code
            again = Client()
            again.cookies[COOKIE] = cookies[COOKIE].value
            return sign_in(again).status_code

    for _ in range(3):
        results = race(6, act)

        assert not [each for each in results if isinstance(each, Exception)]
        assert not [each for each in results if each not in {200, 302, *range(7)}]
