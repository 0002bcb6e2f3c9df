from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import AccountToken, AuthSession, Challenge, User
from accounts.selectors import (
    find_user_by_login,
    get_user_by_name_or_id,
    search_users,
)
from accounts.services import account_tokens, challenges, people
from accounts.tests.factories import PASSWORD, make_session, make_user
from accounts.tests.race import of_kind, race
from chatsec.core.errors import Conflict, Invalid, NotFound

Purpose = AccountToken.Purpose


@pytest.mark.django_db
def test_it_makes_an_account():
    alice = people.create_user(
        "Alice",
        password=PASSWORD,
        email="Alice@Example.org",
        display_name="Alice Morgan",
        department="sales",
        approval_limit=1000,
    )

    stored = User.objects.get(id=alice.id)
    assert stored.username == "alice"
    assert stored.email == "Alice@Example.org"
    assert stored.approval_limit == Decimal(1000)
    assert stored.check_password(PASSWORD)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "al ice"}, "username"),
        ({"username": "alice@example.org"}, "username"),
        ({"username": "\u0430lice"}, "username"),
        ({"username": ""}, "username"),
        ({"email": "nobody"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"email": ""}, "email"),
        ({"display_name": "x" * 151}, "display_name"),
        ({"department": "x" * 65}, "department"),
        ({"approval_limit": Decimal(-1)}, "approval_limit"),
    ],
)
def test_it_says_which_field_is_wrong(change, field):
    given = {"username": "alice", "password": PASSWORD, "email": "alice@example.org"}

    with pytest.raises(Invalid) as refused:
        people.create_user(**{**given, **change})

    assert set(refused.value.fields) <= {field, "non_field_errors"}
    assert User.objects.count() == 0
    with connection.cursor() as cursor:  # nobody was made, so nobody has a key
        cursor.execute("SELECT count(*) FROM privacy_subjectkey")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "email"),
    [("ALICE", "other@example.org"), ("other", "ALICE@example.org")],
)
def test_it_refuses_a_taken_name_or_address_in_any_spelling(name, email):
    make_user("alice")

    with pytest.raises(Conflict) as refused:
        make_user(name, email=email)

    assert refused.value.code == "taken"


@pytest.mark.django_db(transaction=True)
def test_it_makes_a_name_once_when_many_ask():
    results = race(8, lambda: make_user("alice"))

    assert of_kind(results, User) == 1
    assert of_kind(results, Conflict) == 7


@pytest.mark.django_db
def test_it_finds_people_by_name_address_and_id():
    alice = make_user("alice")

    assert find_user_by_login("ALICE") == alice
    assert find_user_by_login("Alice@Example.ORG") == alice
    assert get_user_by_name_or_id(str(alice.id)) == alice
    assert find_user_by_login("ali") is None
    assert find_user_by_login("\x00") is None
    with pytest.raises(NotFound):
        get_user_by_name_or_id("nobody")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ali", ["alice"]),
        ("AL", ["albert", "alice"]),
        ("lice", []),
        ("alice@example.org", ["alice"]),
        ("alice@example", []),
        ("a\x00l", ["albert", "alice"]),
    ],
)
def test_it_searches_by_prefix_or_whole_address(text, found):
    for name in ("alice", "albert", "bob"):
        make_user(name)

    assert [user.username for user in search_users(text)] == found


@pytest.mark.django_db
def test_closing_an_account_ends_its_sessions():
    alice, bob = make_user("alice"), make_user("bob")
    hers, his = make_session(alice), make_session(bob)

    people.close_account(alice)

    live = AuthSession.objects.filter(revoked_at__isnull=True)
    assert list(live) == [his]
    assert AuthSession.objects.get(id=hers.id).revoked_because == "account_closed"


@pytest.mark.django_db
def test_a_new_password_ends_every_session():
    alice = make_user("alice")
    make_session(alice)

    people.set_password(alice, "a quite different passphrase")

    alice.refresh_from_db()
    assert alice.check_password("a quite different passphrase")
    assert not AuthSession.objects.filter(revoked_at__isnull=True).exists()


@pytest.mark.django_db
def test_an_account_closes_even_when_its_key_is_gone():
    alice = make_user("alice")
    User.objects.filter(id=alice.id).update(email_sealed=b"\x01" + bytes(40))

    people.close_account(User.objects.get(id=alice.id))

    assert not User.objects.get(id=alice.id).is_active


@pytest.mark.django_db
def test_a_stale_change_does_not_reopen_a_closed_account():
    alice = make_user("alice")
    stale = User.objects.get(id=alice.id)
    people.close_account(alice)

    people.update_user(stale, region="north")

    stored = User.objects.get(id=alice.id)
    assert (stored.is_active, stored.region) == (False, "north")


@pytest.mark.django_db
def test_a_change_keeps_what_is_not_named():
    alice = make_user("alice", department="sales")

    people.update_user(alice, region="north", email="new@example.org")

    alice.refresh_from_db()
    assert (alice.department, alice.region) == ("sales", "north")
    assert find_user_by_login("new@example.org") == alice
    assert find_user_by_login("alice@example.org") is None


@pytest.mark.django_db
def test_opening_a_closed_account_again_brings_no_link_and_no_sign_in_back():
    carol = make_user("carol", totp=True)
    links = {
        purpose: account_tokens.issue(carol, purpose)
        for purpose in (Purpose.RESET, Purpose.INVITATION)
    }
    waiting = challenges.start_sign_in(carol)

    people.close_account(carol)
    people.update_user(carol, is_active=True)

    for purpose, raw in links.items():
        assert account_tokens.find(raw, purpose) is None
    assert not Challenge.objects.filter(id=waiting.id).exists()
