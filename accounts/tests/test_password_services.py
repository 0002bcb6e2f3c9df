from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from accounts import constants, notices, pacing
from accounts.errors import AccountLocked, LinkExpired, ProofNeeded
from accounts.models import (
    AccountToken,
    AttemptBudget,
    AuthSession,
    Challenge,
    Notice,
    User,
)
from accounts.services import challenges, lockout, people, sessions
from accounts.services.passwords import (
    ask_reset,
    change_password,
    reset_password,
    send_reset,
)
from accounts.tests.factories import PASSWORD, make_session, make_user
from accounts.tests.links import mailed_link, mailed_token
from accounts.tests.race import of_kind, race
from chatsec.core import context
from chatsec.core.errors import Conflict, Invalid

NEW = "seven lanterns drift past noon"
HOME = "198.51.100.7"


def change(session, *, current=PASSWORD, new=NEW):
    change_password(RequestFactory().post("/"), session, current=current, new=new)


def kinds(user):
    return list(Notice.objects.filter(user=user).values_list("kind", flat=True))


def live(user):
    return set(AuthSession.objects.filter(user=user, revoked_at=None))


def test_changing_needs_the_current_password_and_ends_every_other_device(alice):
    here, other = make_session(alice, kind="browser"), make_session(alice)

    change(here)

    assert User.objects.get(id=alice.id).check_password(NEW)
    assert live(alice) == {here}
    other.refresh_from_db()
    assert other.revoked_because == "password_set"
    assert kinds(alice) == [notices.PASSWORD_CHANGED]


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", NEW, "password"),
        ("", NEW, "password"),
        (PASSWORD, PASSWORD, "password"),
        (PASSWORD, "short", "password"),
        (PASSWORD, "Password1234", "password"),
        (PASSWORD, "alice drinks seven lanterns", "password"),
    ],
)
def test_a_refused_change_changes_nothing(alice, current, new, field):
    here, other = make_session(alice), make_session(alice)

    with pytest.raises(Invalid) as refused:
        change(here, current=current, new=new)

    assert field in refused.value.fields
    assert User.objects.get(id=alice.id).check_password(PASSWORD)
    assert live(alice) == {here, other}
    assert kinds(alice) == []


def test_guessing_at_the_current_password_locks_the_account(alice):
    here = make_session(alice)
    for _ in range(5):
        with pytest.raises(Invalid):
            change(here, current="wrong")

    with pytest.raises(AccountLocked):
        change(here)


@pytest.mark.django_db
def test_who_has_a_second_factor_shows_it_first():
    carol = make_user("carol", totp=True)
    here = make_session(carol)

    with pytest.raises(ProofNeeded):
        change(here)
    sessions.record_step_up(here)
    change(here)

    assert User.objects.get(id=carol.id).check_password(NEW)


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_at_once_one_counts():
    alice = make_user("alice")
    here = make_session(alice)
    chosen = iter([NEW, "no rain on wednesday says gus"])

    def run():
        session = AuthSession.objects.select_related("user").get(id=here.id)
        change(session, new=next(chosen))

    results = race(2, run)

    # The slower one compared a password that was no longer the account's.
    assert results.count(None) == 1
    assert of_kind(results, Conflict) + of_kind(results, Invalid) == 1
    assert kinds(alice) == [notices.PASSWORD_CHANGED]


def test_a_reset_mails_a_link_from_the_public_address(alice, settings):
    settings.CHATSEC_PUBLIC_URL = "https://chat.example"

    ask_reset("ALICE@example.org")

    assert mailed_link(alice).startswith("https://chat.example/password/reset?token=")
    assert kinds(alice) == [notices.PASSWORD_RESET_ASKED]
    assert User.objects.get(id=alice.id).check_password(PASSWORD)


def test_a_link_sets_a_new_password_once_and_ends_every_session(alice):
    make_session(alice)
    ask_reset("alice")
    raw = mailed_token(alice)

    reset_password(raw, NEW)

    assert User.objects.get(id=alice.id).check_password(NEW)
    assert live(alice) == set()
    assert kinds(alice)[0] == notices.PASSWORD_CHANGED
    with pytest.raises(LinkExpired):
        reset_password(raw, "no rain on wednesday says gus")


def test_a_refused_password_leaves_the_link_good(alice):
    ask_reset("alice")
    raw = mailed_token(alice)

    with pytest.raises(Invalid):
        reset_password(raw, "password1234")

    reset_password(raw, NEW)


def test_the_second_factor_outlives_a_reset(db):
    carol = make_user("carol", totp=True)
    waiting = challenges.start_sign_in(carol)
    ask_reset("carol")

    reset_password(mailed_token(carol), NEW)

    assert not Challenge.objects.filter(id=waiting.id).exists()
    assert carol.totpfactor_set.filter(confirmed=True).count() == 1
    assert live(carol) == set()


@pytest.mark.parametrize(
    "somebody",
    [
        lambda: None,
        lambda: make_user("closed", is_active=False),
        lambda: make_user("invited", password=None),
    ],
)
def test_there_is_no_link_for_who_has_nothing_to_reset(db, somebody):
    user = somebody()

    ask_reset(user.username if user else "nobody")

    assert AccountToken.objects.count() == Notice.objects.count() == 0


def test_nobodys_mailbox_is_flooded(alice):
    for _ in range(8):
        ask_reset("alice")
    assert len(kinds(alice)) == 5
    with pytest.raises(Conflict):
        send_reset(alice)

    AccountToken.objects.update(created_at=timezone.now() - timedelta(hours=1))
    ask_reset("alice")

    assert len(kinds(alice)) == 6


@pytest.mark.django_db(transaction=True)
def test_nobodys_mailbox_is_flooded_at_once_either():
    alice = make_user("alice")

    race(12, lambda: ask_reset("alice"))

    assert len(kinds(alice)) == 5


def test_asking_locks_no_account(alice):
    for _ in range(7):
        ask_reset("alice")

    assert not AttemptBudget.objects.filter(scope="account").exists()
    with lockout.attempt(alice, ip=None) as attempt:
        attempt.succeeded = True


def test_asking_takes_as_long_for_everybody(alice, monkeypatch):
    waited = []
    monkeypatch.setattr(constants, "RESET_ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(pacing, "monotonic", lambda: 100.0)
    monkeypatch.setattr(pacing, "sleep", lambda s: waited.append(round(s, 6)))
    make_user("invited", password=None)

    for name in ("alice", "invited", "nobody"):
        ask_reset(name)
    with context.bound(context.RequestContext(ip=HOME)):
        for _ in range(30):
            ask_reset("nobody")
        with pytest.raises(AccountLocked):
            ask_reset("alice")

    # Who is locked out leaves at once: so he does under every name.
    assert waited == [0.3] * 33


def test_asking_counts_for_the_address(db):
    with context.bound(context.RequestContext(ip=HOME)):
        for number in range(30):
            ask_reset(f"nobody-{number}")

        with pytest.raises(AccountLocked):
            ask_reset("alice")
        with pytest.raises(AccountLocked), lockout.attempt(None, name="x", ip=HOME):
            pass


def test_guessing_at_links_counts_for_the_address_and_good_ones_do_not(alice):
    ask_reset("alice")
    with context.bound(context.RequestContext(ip=HOME)):
        for number in range(30):
            with pytest.raises(LinkExpired):
                reset_password(f"csl_{number}", NEW)

        with pytest.raises(AccountLocked):
            reset_password(mailed_token(alice), NEW)
    with context.bound(context.RequestContext(ip="203.0.113.9")):
        reset_password(mailed_token(alice), NEW)
    budgets = AttemptBudget.objects.filter(scope="address")
    assert sorted(len(budget.tries) for budget in budgets) == [0, 30]


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_resets_at_once_exactly_one_counts():
    alice = make_user("alice")
    ask_reset("alice")
    raw = mailed_token(alice)
    chosen = [f"{NEW} number {n}" for n in range(16)]

    results = race(16, lambda: reset_password(raw, chosen.pop()))

    assert of_kind(results, User) == 1
    assert of_kind(results, LinkExpired) == 15
    assert kinds(alice).count(notices.PASSWORD_CHANGED) == 1


def test_a_reset_lifts_no_lock(alice):
    for _ in range(5):
        with lockout.attempt(alice, ip=None):
            pass
    ask_reset("alice")

    reset_password(mailed_token(alice), NEW)

    with pytest.raises(AccountLocked), lockout.attempt(alice, ip=None):
        pass


def test_an_administrator_has_a_link_mailed_and_sees_it_nowhere(alice):
    send_reset(alice)

    reset_password(mailed_token(alice), NEW)

    closed = make_user("closed", is_active=False)
    for user in (closed, make_user("invited", password=None)):
        with pytest.raises(Conflict):
            send_reset(user)


def test_a_password_set_elsewhere_kills_the_link(alice):
    ask_reset("alice")
    people.set_password(User.objects.get(id=alice.id), "no rain on wednesday says gus")

    with pytest.raises(LinkExpired):
        reset_password(mailed_token(alice), NEW)
