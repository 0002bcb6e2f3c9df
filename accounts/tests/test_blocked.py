"""What a lock refuses is on record, and does not fill the log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import AccountLocked
from accounts.services import lockout
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.race import of_kind, race
from auditlog.selectors import list_events, read_events
from auditlog.services.repeating import write_left_out
from chatsec.core import context
from chatsec.core.context import RequestContext
from chatsec.core.crypto import subject_keys

HOME = "198.51.100.7"
LATER = timedelta(minutes=2)


def blocked():
    return list(list_events(event_type="accounts.sign_in_blocked"))


def fail(user=None, *, name="nobody", ip=HOME):
    with lockout.attempt(user, name=name, ip=ip):
        pass


def lock(user=None, *, name="nobody"):
    for _ in range(5):
        fail(user, name=name)


def try_again(user=None, *, name="nobody", ip=HOME):
    with (
        context.bound(RequestContext(ip=ip)),
        pytest.raises(AccountLocked),
    ):
        lockout.refuse_closed(user, name=name, ip=ip)


@pytest.mark.django_db
def test_the_first_try_at_a_locked_account_is_an_event(client):
    alice = make_user("alice")
    body = {"username": "alice", "password": "wrong password"}
    for _ in range(5):
        client.post("/api/v1/auth/token", body, content_type="application/json")
    assert blocked() == []

    body["password"] = PASSWORD
    answer = client.post("/api/v1/auth/token", body, content_type="application/json")

    assert answer.status_code == 429
    (event,) = blocked()
    assert event.subject_pseudonym == subject_keys().pseudonym(alice.id)
    assert (event.outcome, event.result_count) == ("denied", 1)
    assert event.network_hash is not None
    assert event.channel == "api"


@pytest.mark.django_db
def test_an_unknown_name_leaves_one_without_a_subject():
    lock(name="secret-project")

    try_again(name="secret-project")

    (read,) = read_events(blocked())
    assert read.event.subject_pseudonym is None
    assert "secret-project" not in f"{read.details} {read.event.resource_id}"


@pytest.mark.django_db
def test_further_tries_are_one_event_with_their_number():
    alice = make_user("alice")
    lock(alice)

    for _ in range(50):
        try_again(alice)
    assert len(blocked()) == 1
    assert write_left_out(now=timezone.now()) == 0

    assert write_left_out(now=timezone.now() + LATER) == 1
    assert sorted(one.result_count for one in blocked()) == [1, 49]
    assert len({one.subject_pseudonym for one in blocked()}) == 1
    assert len({one.network_hash for one in blocked()}) == 1
    assert write_left_out(now=timezone.now() + LATER) == 0


@pytest.mark.django_db
def test_many_accounts_from_one_network_share_the_networks_events():
    for number in range(30):
        lock_name = f"name-{number}"
        with lockout.attempt(None, name=lock_name, ip=HOME):
            pass
    # The address has used its thirty tries up: any name is refused.
    for number in range(100):
        try_again(name=f"other-{number}")

    assert len(blocked()) == 10
    write_left_out(now=timezone.now() + LATER)
    assert sum(one.result_count for one in blocked()) == 100


@pytest.mark.django_db
def test_many_networks_at_one_account_share_the_accounts_events():
    alice = make_user("alice")
    lock(alice)

    for number in range(100):
        try_again(alice, ip=f"203.0.{number}.1")

    assert len(blocked()) == 10
    write_left_out(now=timezone.now() + LATER)
    assert sum(one.result_count for one in blocked()) == 100


@pytest.mark.django_db
def test_without_valkey_it_refuses_and_counts_by_itself(settings, monkeypatch):
    from auditlog.services import turns

    monkeypatch.setattr(turns, "_own", turns.OwnCounts())
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for cached in (turns._client, turns._take, turns._collect):
        monkeypatch.setattr(turns, cached.__name__, cached.__wrapped__)
    alice = make_user("alice")
    lock(alice)

    for _ in range(20):
        try_again(alice)

    assert [one.result_count for one in blocked()] == [1]


@pytest.mark.django_db
def test_the_refusal_stands_when_its_event_cannot_be_written(monkeypatch, caplog):
    def broken(*_args, **_kwargs):
        raise RuntimeError("no evidence today")

    monkeypatch.setattr("accounts.services.blocked.record_repeated", broken)
    lock()

    try_again()

    assert "left no event" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_of_parallel_tries_one_is_written():
    alice = make_user("alice")
    lock(alice)

    found = race(16, lambda: lockout.refuse_closed(alice, ip=HOME))

    assert of_kind(found, AccountLocked) == 16
    assert [one.result_count for one in blocked()] == [1]
    write_left_out(now=timezone.now() + LATER)
    assert sorted(one.result_count for one in blocked()) == [1, 15]


@pytest.mark.django_db(transaction=True)
def test_what_was_left_out_is_written_by_one_of_many():
    alice = make_user("alice")
    lock(alice)
    for _ in range(5):
        try_again(alice)

    written = race(8, lambda: write_left_out(now=timezone.now() + LATER))

    assert sum(written) == 1
    assert sorted(one.result_count for one in blocked()) == [1, 4]
