import pytest

from accounts import notices
from accounts.errors import LinkExpired, ProofNeeded
from accounts.models import AccountToken, Notice
from accounts.selectors import find_user_by_login
from accounts.services import people, proof, sessions
from accounts.services.email_change import ask_email_change, confirm_email_change
from accounts.services.passwords import ask_reset, reset_password
from accounts.tests.factories import PASSWORD, make_session, make_user
from accounts.tests.links import mailed_token
from accounts.tests.race import of_kind, race
from chatsec.core.errors import Conflict, Invalid, TooMany

NEW = "alice@new.example"


@pytest.fixture
def session(alice):
    return proven(alice)


def proven(user):
    session = make_session(user)
    proof.record_password_confirmation(session)
    return session


def test_the_new_address_counts_once_its_link_is_followed(alice, session):
    ask_email_change(session, NEW)
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"
    sent = Notice.objects.get(user=alice)
    assert (sent.kind, sent.address) == (notices.EMAIL_CHANGE_ASKED, NEW)

    confirm_email_change(session, mailed_token(alice))

    assert find_user_by_login(NEW) == alice
    assert find_user_by_login("alice@example.org") is None
    told = Notice.objects.get(user=alice, kind=notices.EMAIL_CHANGED)
    assert told.address == "alice@example.org"


def test_it_needs_fresh_proof(alice):
    with pytest.raises(ProofNeeded):
        ask_email_change(make_session(alice), NEW)


def test_a_password_is_no_proof_for_who_has_a_second_factor(db):
    carol = make_user("carol", totp=True)
    session = proven(carol)

    with pytest.raises(ProofNeeded):
        ask_email_change(session, NEW)
    sessions.record_step_up(session)
    ask_email_change(session, NEW)


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "Alice@Example.org", f"{'a' * 320}@example.org", "a@b\n.c"],
)
def test_it_refuses_what_is_no_new_address(session, address):
    with pytest.raises(Invalid) as refused:
        ask_email_change(session, address)

    assert "email" in refused.value.fields
    assert AccountToken.objects.count() == 0


def test_a_link_that_went_astray_is_worth_nothing_to_others(alice, session):
    charlie = make_user("charlie")
    ask_email_change(session, NEW)

    with pytest.raises(LinkExpired):
        confirm_email_change(proven(charlie), mailed_token(alice))

    confirm_email_change(session, mailed_token(alice))


def test_an_address_that_is_taken_is_told_only_to_who_reads_it(alice, session):
    make_user("bob", email=NEW)
    ask_email_change(session, NEW)

    with pytest.raises(Conflict) as refused:
        confirm_email_change(session, mailed_token(alice))

    assert refused.value.code == "taken"
    assert find_user_by_login("alice@example.org") == alice


def test_the_mails_to_strangers_are_limited(session):
    for _ in range(5):
        ask_email_change(session, NEW)

    with pytest.raises(TooMany):
        ask_email_change(session, NEW)


def test_a_new_password_stops_a_change_under_way(alice, session):
    ask_email_change(session, NEW)
    ask_reset("alice")
    reset_password(
        mailed_token(alice, kind=notices.PASSWORD_RESET_ASKED),
        "seven lanterns drift past noon",
    )

    with pytest.raises(LinkExpired):
        confirm_email_change(
            proven(alice), mailed_token(alice, kind=notices.EMAIL_CHANGE_ASKED)
        )


def test_an_administrators_change_is_told_to_the_old_address(alice):
    people.update_user(alice, email=NEW)

    told = Notice.objects.get(user=alice)
    assert (told.kind, told.address) == (notices.EMAIL_CHANGED, "alice@example.org")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_one_address_one_gets_it():
    links = []
    for name in ("alice", "bob"):
        session = proven(make_user(name))
        ask_email_change(session, NEW)
        links.append((session, mailed_token(session.user)))

    results = race(2, lambda: confirm_email_change(*links.pop()))

    assert results.count(None) == of_kind(results, Conflict) == 1
    assert PASSWORD
