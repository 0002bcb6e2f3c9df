import re

import pytest
from axes.models import AccessAttempt, AccessFailureLog
from django.contrib import auth
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.models import AuthSession, Challenge, User
from accounts.services import people, sign_in
from accounts.tests.factories import PASSWORD, make_user, totp_code
from accounts.tests.race import race
from chatsec.core import context
from chatsec.core.errors import NotFound, Unauthenticated

pytestmark = pytest.mark.django_db

FULL_WIDTH_ALICE = "".join(chr(ord(c) + 0xFEE0) for c in "alice")


def try_password(name, password=PASSWORD):
    request = RequestFactory().post("/sign-in")
    return sign_in.check_password(request, name=name, password=password)


@pytest.mark.parametrize(
    "typed",
    ["alice", "ALICE", " alice ", FULL_WIDTH_ALICE, "al\u200bice", "alice@example.org"],
)
def test_it_knows_every_spelling_of_a_name(typed):
    alice = make_user("alice")

    assert try_password(typed) == sign_in.Proven(alice, ("pwd",))


def test_it_asks_for_the_code_of_whoever_has_a_factor():
    carol = make_user("carol", totp=True)

    outcome = try_password("carol")

    assert isinstance(outcome, sign_in.CodeNeeded)
    assert outcome.methods == ("totp",)
    proven = sign_in.check_code(outcome.challenge.id, totp_code(carol))
    assert proven.user == carol
    assert proven.amr == ("pwd", "otp", "mfa")


def test_a_wrong_code_signs_nobody_in():
    carol = make_user("carol", totp=True)
    outcome = try_password("carol")
    wrong = f"{(int(totp_code(carol)) + 1) % 1_000_000:06d}"

    with pytest.raises(Unauthenticated) as refused:
        sign_in.check_code(outcome.challenge.id, wrong)

    assert refused.value.code == "invalid_code"
    assert refused.value.message == "Invalid verification code"


def refusal(name, password):
    with pytest.raises(Unauthenticated) as refused:
        try_password(name, password)
    return refused.value.code, refused.value.message, refused.value.extra


def test_it_answers_alike_to_unknown_wrong_inactive_and_unusable():
    make_user("alice")
    people.close_account(make_user("closed"))
    make_user("unusable", password=None)

    answers = [
        refusal("alice", "wrong password"),
        refusal("nobody", PASSWORD),
        refusal("closed", PASSWORD),
        refusal("unusable", PASSWORD),
        refusal("", PASSWORD),
        refusal("nul\x00", PASSWORD),
    ]

    assert len(set(map(str, answers))) == 1
    assert answers[0][0] == "invalid_credentials"


@pytest.mark.parametrize("name", ["alice", "nobody", "closed", "unusable"])
def test_every_refusal_costs_one_hash(name, monkeypatch):
    make_user("alice")
    people.close_account(make_user("closed"))
    make_user("unusable", password=None)
    hashes = []
    hasher = auth.hashers.get_hasher()
    for work in ("encode", "verify"):
        original = getattr(type(hasher), work)

        def counted(self, *args, original=original, work=work):
            # The cheap hasher of the tests verifies by encoding.
            if work == "encode":
                hashes.append(1)
            return original(self, *args)

        monkeypatch.setattr(type(hasher), work, counted)

    refusal(name, "wrong password")

    assert len(hashes) == 1


def test_nothing_checks_a_password_without_a_reserved_try():
    make_user("alice")
    request = RequestFactory().post("/")

    found = auth.authenticate(request, username="alice", password=PASSWORD)

    assert found is None


def test_no_table_holds_a_name_that_is_nobodys():
    with context.bound(context.RequestContext(ip="203.0.113.9")):
        refusal("secret-project-name", "hunter2hunter2")

    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows = " ".join(row for (row,) in cursor.fetchall())
            for kept in ("secret-project-name", "hunter2", "203.0.113.9"):
                assert kept not in rows, table


def test_the_ledger_counts_under_a_digest():
    alice = make_user("alice")
    for name in ("alice", "ALICE", "alice@example.org"):
        refusal(name, "wrong password")

    attempt = AccessAttempt.objects.get()
    assert attempt.failures_since_start == 3
    assert "alice" not in str(attempt.__dict__)
    assert attempt.ip_address.startswith("fd")
    assert AccessFailureLog.objects.count() == 3
    assert alice.is_active


@pytest.mark.parametrize(
    "change",
    [
        lambda user: people.set_password(user, "another long passphrase"),
        people.close_account,
    ],
)
def test_a_proof_from_before_a_change_opens_nothing(change):
    alice = make_user("alice")
    proven = try_password("alice")
    assert isinstance(proven, sign_in.Proven)

    change(alice)

    with pytest.raises(Unauthenticated):
        sign_in.open_token_session(proven)
    assert AuthSession.objects.count() == 0


def test_a_new_password_ends_sign_ins_that_wait_for_a_code():
    carol = make_user("carol", totp=True)
    outcome = try_password("carol")

    people.set_password(carol, "another long passphrase")

    with pytest.raises(NotFound):
        sign_in.check_code(outcome.challenge.id, totp_code(carol))


@pytest.mark.django_db(transaction=True)
def test_a_new_password_wins_against_parallel_sign_ins():
    alice = make_user("alice")
    proven, turns = try_password("alice"), iter(range(12))

    def act():
        if next(turns) == 6:
            return people.set_password(User.objects.get(), "another long passphrase")
        return sign_in.open_token_session(proven)

    race(12, act)

    assert not AuthSession.objects.filter(user=alice, revoked_at=None).exists()


def test_a_closed_account_leaves_no_sign_in_that_waits():
    carol = make_user("carol", totp=True)
    outcome = try_password("carol")
    people.close_account(carol)

    with pytest.raises(NotFound):
        sign_in.check_code(outcome.challenge.id, totp_code(carol))
    assert not Challenge.objects.exists()


def work_of(name, ip):
    """Return what one wrong password has the database do, without the values."""
    with (
        context.bound(context.RequestContext(ip=ip)),
        CaptureQueriesContext(connection) as captured,
        pytest.raises(Unauthenticated),
    ):
        try_password(name, "wrong password")
    asked = [re.split(r"\bWHERE\b|\bVALUES\b| = ", q["sql"])[0] for q in captured]
    return [re.sub(r"s\d+_x\d+", "s", sql) for sql in asked]


def test_it_does_the_same_work_for_every_name():
    make_user("alice")
    people.close_account(make_user("closed"))
    make_user("unusable", password=None)
    names = ("nobody", "alice", "closed", "unusable")

    # The first try at a name makes the rows that count, the second changes them.
    for tries in (1, 2):
        nobody, *others = [work_of(name, f"10.0.{tries}.1") for name in names]
        assert len(nobody) > 20
        assert others == [nobody] * 3
