"""Browsers that their owner signed in on before: marked, told of, forgotten."""

from itertools import count

import pytest
from django.core import mail
from django.test import Client

from accounts.constants import MAX_KNOWN_DEVICES
from accounts.models import KnownDevice
from accounts.services import known_devices, notices, sessions
from accounts.tests.browsers import COOKIE, sign_in, signed_out, token, told
from accounts.tests.factories import make_user
from accounts.tests.race import race
from auditlog.selectors import list_events
from chatsec.core import context

pytestmark = pytest.mark.django_db


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


def test_there_are_so_many_and_no_more(alice):
    for _ in range(MAX_KNOWN_DEVICES + 3):
        sign_in(Client())

    assert KnownDevice.objects.filter(user=alice).count() == MAX_KNOWN_DEVICES


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
