"""Locked elsewhere, an account stays open on its owner's devices and on no other."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.errors import AccountLocked
from accounts.models import AttemptBudget, AuthSession, KnownDevice, Notice
from accounts.selectors import actor_for_session
from accounts.services import (
    challenges,
    known_devices,
    lockout,
    people,
    proof,
    sessions,
)
from accounts.tests.browsers import COOKIE, sign_in, signed_out, token, told
from accounts.tests.factories import make_session, make_user, totp_code
from accounts.tests.race import of_kind, race
from accounts.tests.test_factors import wrong_code
from auditlog.selectors import describe, list_events
from chatsec.core import context
from chatsec.core.context import Channel

pytestmark = pytest.mark.django_db


NEW_PASSWORD = "another correct horse battery staple"


def lock(name="alice"):
    """A stranger guesses until the account is locked."""
    for _ in range(5):
        sign_in(Client(), name, "wrong")
    assert sign_in(Client(), name).status_code == 429


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
