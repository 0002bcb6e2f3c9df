"""What a page asks by itself does not keep its session alive."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuthSession
from accounts.tests.factories import access_token, make_user, sign_in_browser

pytestmark = pytest.mark.django_db

POLLED = "/api/v1/auth/notices"
USED = "/api/v1/auth/sessions"


@pytest.fixture
def quiet_for():
    """Return a setter of when the only session was used last."""

    def set_idle(**since):
        seen = timezone.now() - timedelta(**since)
        AuthSession.objects.update(last_seen_at=seen)

    return set_idle


def idle():
    return timezone.now() - AuthSession.objects.get().last_seen_at


def callers():
    browser = sign_in_browser(Client(), make_user("alice"))
    yield browser
    AuthSession.objects.all().delete()
    token = access_token(make_user("bob"))
    yield Client(headers={"authorization": f"Bearer {token}"})


def test_polling_does_not_extend_the_idle_time(quiet_for):
    for client in callers():
        quiet_for(minutes=29)

        assert client.get(POLLED).status_code == 200
        assert idle() > timedelta(minutes=28)

        quiet_for(minutes=30)
        assert client.get(POLLED).status_code == 401


def test_anything_else_does(quiet_for):
    for client in callers():
        quiet_for(minutes=29)

        assert client.get(USED).status_code == 200

        assert idle() < timedelta(minutes=1)


def test_a_page_extends_it(quiet_for):
    client = sign_in_browser(Client(), make_user("alice"))
    quiet_for(minutes=29)

    client.get("/account")

    assert idle() < timedelta(minutes=1)


def test_an_address_that_is_not_there_does_not(quiet_for):
    client = sign_in_browser(Client(), make_user("alice"))
    quiet_for(minutes=29)

    client.get("/nothing-here")

    assert idle() > timedelta(minutes=28)


def test_what_is_refused_as_forged_does_not(quiet_for):
    client = sign_in_browser(Client(enforce_csrf_checks=True), make_user("alice"))
    quiet_for(minutes=29)

    assert client.post("/account/notices/seen").status_code == 403

    assert idle() > timedelta(minutes=28)


def test_over_is_over_whatever_is_asked(quiet_for):
    client = sign_in_browser(Client(), make_user("alice"))
    quiet_for(minutes=31)

    assert client.get("/account").status_code == 302
    assert idle() > timedelta(minutes=30)
