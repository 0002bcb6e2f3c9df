"""A cookie that was just replaced opens nothing, and can still sign out."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from accounts.models import AuthSession, BrowserSession
from accounts.session_store import SessionStore
from accounts.tests.factories import make_user, sign_in_browser

pytestmark = pytest.mark.django_db


def test_the_key_before_opens_nothing_and_still_signs_out():
    client = sign_in_browser(Client(), make_user("alice"))
    old = client.cookies["session"].value
    store = SessionStore(old)
    store.load()
    store.cycle_key()
    store.save()
    late = Client()
    late.cookies["session"] = old

    answer = late.get("/account")
    assert answer.status_code == 302
    # The browser has the new cookie by now: this answer must not take it away.
    assert "session" not in answer.cookies

    late.post("/sign-out")
    assert AuthSession.objects.get().revoked_because == "signed_out"
    assert BrowserSession.objects.count() == 0


def test_a_request_that_was_sent_with_the_key_before_writes_nothing():
    client = sign_in_browser(Client(), make_user("alice"))
    key = client.cookies["session"].value
    late, store = SessionStore(key), SessionStore(key)
    late.get("seen")
    store.get("seen")
    store.cycle_key()

    late["seen"] = "late"
    with pytest.raises(UpdateError):
        late.save()

    assert BrowserSession.objects.get(is_spent=True).content == ""


def test_the_key_before_signs_out_for_a_minute_only():
    client = sign_in_browser(Client(), make_user("alice"))
    old = client.cookies["session"].value
    store = SessionStore(old)
    store.load()
    store.cycle_key()
    store.save()
    spent = BrowserSession.objects.filter(is_spent=True)
    assert spent.get().expires_at - timezone.now() <= timedelta(minutes=1)
    spent.update(expires_at=timezone.now())
    late = Client()
    late.cookies["session"] = old

    late.post("/sign-out")

    assert AuthSession.objects.get().revoked_at is None
