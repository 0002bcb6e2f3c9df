from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.errors import LinkExpired
from accounts.models import AccountToken, User
from accounts.services import account_tokens, people
from accounts.tests.factories import make_user
from accounts.tests.race import of_kind, race

Purpose = AccountToken.Purpose
HALF_HOUR = timedelta(minutes=30)
DAYS = timedelta(hours=72)


@pytest.fixture
def raw(alice):
    return account_tokens.issue(alice, Purpose.RESET)


def spend(raw, purpose=Purpose.RESET, **more):
    with transaction.atomic():
        return account_tokens.spend(raw, purpose, **more)


def test_a_link_is_spent_once(alice, raw):
    assert account_tokens.find(raw, Purpose.RESET).user == alice
    assert spend(raw).user == alice

    assert account_tokens.find(raw, Purpose.RESET) is None
    with pytest.raises(LinkExpired):
        spend(raw)


def test_only_a_digest_is_kept(raw):
    row = AccountToken.objects.values_list("digest", "state_digest").get()

    assert len(raw) > 43
    assert all(raw.encode() not in bytes(column) for column in row)


def test_looking_does_not_spend(raw):
    for _ in range(3):
        assert account_tokens.find(raw, Purpose.RESET) is not None

    spend(raw)


def test_using_one_link_ends_the_others_of_its_purpose(alice, raw):
    other = account_tokens.issue(alice, Purpose.RESET)
    change = account_tokens.issue(alice, Purpose.EMAIL_CHANGE, email="a@example.org")

    spend(raw)

    with pytest.raises(LinkExpired):
        spend(other)
    assert spend(change, Purpose.EMAIL_CHANGE).email == "a@example.org"


@pytest.mark.parametrize(
    ("purpose", "life"),
    [
        (Purpose.RESET, HALF_HOUR),
        (Purpose.INVITATION, DAYS),
        (Purpose.EMAIL_CHANGE, timedelta(hours=1)),
    ],
)
def test_a_link_gets_too_old(alice, purpose, life):
    now = timezone.now()
    more = {"email": "a@example.org"} if purpose == Purpose.EMAIL_CHANGE else {}
    raw = account_tokens.issue(alice, purpose, now=now, **more)
    last = now + life - timedelta(seconds=1)

    assert account_tokens.find(raw, purpose, now=last) is not None
    assert account_tokens.find(raw, purpose, now=now + life) is None
    with pytest.raises(LinkExpired):
        spend(raw, purpose, now=now + life)


@pytest.mark.parametrize("purpose", [Purpose.INVITATION, Purpose.EMAIL_CHANGE])
def test_a_link_serves_one_purpose(raw, purpose):
    assert account_tokens.find(raw, purpose) is None
    with pytest.raises(LinkExpired):
        spend(raw, purpose)


@pytest.mark.parametrize("forged", ["", "csl_", "x" * 5000, "\x00", "csl_é", "'--"])
def test_a_forged_link_finds_nobody(raw, forged):
    assert account_tokens.find(forged, Purpose.RESET) is None
    with pytest.raises(LinkExpired):
        spend(forged)


@pytest.mark.parametrize(
    "change",
    [
        lambda user: people.set_password(user, "another long passphrase"),
        lambda user: people.update_user(user, email="elsewhere@example.org"),
        people.close_account,
    ],
)
def test_a_changed_account_kills_its_links(alice, raw, change):
    change(User.objects.get(id=alice.id))

    assert account_tokens.find(raw, Purpose.RESET) is None
    with pytest.raises(LinkExpired):
        spend(raw)


@pytest.mark.django_db
def test_a_link_to_a_closed_account_is_no_good_from_the_start():
    raw = account_tokens.issue(make_user("closed", is_active=False), Purpose.RESET)

    assert account_tokens.find(raw, Purpose.RESET) is None
    with pytest.raises(LinkExpired):
        spend(raw)


def test_another_persons_change_does_not(raw):
    people.set_password(make_user("bob"), "another long passphrase")

    assert account_tokens.find(raw, Purpose.RESET) is not None


def test_a_rollback_gives_the_link_back(raw):
    with transaction.atomic():
        account_tokens.spend(raw, Purpose.RESET)
        transaction.set_rollback(True)

    spend(raw)


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_at_once_exactly_one_gets_it():
    raw = account_tokens.issue(make_user("alice"), Purpose.RESET)

    results = race(16, lambda: spend(raw))

    assert of_kind(results, AccountToken) == 1
    assert of_kind(results, LinkExpired) == 15


@pytest.mark.django_db(transaction=True)
def test_of_two_links_at_once_exactly_one_is_used():
    alice = make_user("alice")
    links = [account_tokens.issue(alice, Purpose.RESET) for _ in range(8)]

    results = race(8, lambda: spend(links.pop()))

    assert of_kind(results, AccountToken) == 1
    assert of_kind(results, LinkExpired) == 7
