import re

import pytest
from django.db import connection

from accounts.errors import InvalidCode
from accounts.models import Notice, RecoveryCode, RecoverySheet
from accounts.models.recovery import fold_recovery_code
from accounts.services import challenges, factors
from accounts.tests.factories import make_user, totp_code
from accounts.tests.race import race
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("alice", totp=True)


def test_there_are_ten_of_120_bits_each(alice):
    codes = factors.make_recovery_codes(alice)

    assert len(set(codes)) == 10
    for code in codes:
        assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{6}-){3}[0-9A-HJKMNP-TV-Z]{6}", code)
    assert list_events(event_type="accounts.recovery_codes_made").count() == 1
    assert Notice.objects.filter(kind="recovery_codes_made").count() == 1


def test_the_database_knows_digests_only(alice):
    codes = factors.make_recovery_codes(alice)
    folded = {code.replace("-", "") for code in codes}

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_recoverycode")
        rows = " ".join(
            bytes(value).hex() if isinstance(value, memoryview) else str(value)
            for row in cursor.fetchall()
            for value in row
        )
    for code in [*codes, *folded]:
        assert code not in rows
        assert code.encode().hex() not in rows


def test_a_code_stands_in_for_the_factor_once(alice):
    code = factors.make_recovery_codes(alice)[3]

    assert isinstance(factors.require_code(alice, code), RecoverySheet)
    with pytest.raises(InvalidCode):
        factors.require_code(alice, code)

    assert RecoveryCode.objects.filter(used_at__isnull=True).count() == 9
    assert list_events(event_type="accounts.recovery_code_used").count() == 1
    told = Notice.objects.get(kind="recovery_code_used")
    assert told.facts == {"left": "9"}


def test_new_codes_kill_the_old_ones(alice):
    old = factors.make_recovery_codes(alice)
    new = factors.make_recovery_codes(alice)

    assert not any(factors.verify_code(alice, code) for code in old)
    assert all(factors.verify_code(alice, code) for code in new)
    assert RecoverySheet.objects.count() == 1


@pytest.mark.parametrize(
    "spelt",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: code.replace("0", "O"),
        lambda code: code.replace("0", "o"),
        lambda code: code.replace("1", "l"),
        lambda code: code.replace("1", "I"),
        lambda code: f" {code} ",
    ],
)
def test_it_is_taken_as_people_write_it(alice, spelt):
    code = factors.make_recovery_codes(alice)[0]

    assert factors.verify_code(alice, spelt(code))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 23,
        "A" * 25,
        "U" * 24,
        "\uff21" * 24,
        "\u0410" * 24,
        "A" * 23 + "\n",
        "A" * 23 + "\x00",
        "A\t" * 24,
        "ß" * 12,
        "ﬀ" * 12,
    ],
)
def test_nothing_else_is_a_code(text):
    assert fold_recovery_code(text) is None


def test_somebody_elses_code_is_wrong(alice):
    charlie = make_user("charlie", totp=True)
    factors.make_recovery_codes(charlie)
    code = factors.make_recovery_codes(alice)[0]

    assert not factors.verify_code(charlie, code)
    assert factors.verify_code(alice, code)


def test_codes_go_with_the_last_factor(alice):
    factors.make_recovery_codes(alice)
    factors.remove_factor(factors.list_totp_factors(alice).get())

    assert RecoverySheet.objects.count() == 0
    assert RecoveryCode.objects.count() == 0


def test_codes_alone_are_no_second_factor(alice):
    from accounts.models import TOTPFactor
    from accounts.selectors import factor_methods, has_second_factor

    factors.make_recovery_codes(alice)
    assert factor_methods(alice) == ["totp", "recovery_code"]
    TOTPFactor.objects.filter(user=alice).delete()

    assert factor_methods(alice) == []
    assert not has_second_factor(alice)


def test_a_code_signs_in(alice):
    code = factors.make_recovery_codes(alice)[0]
    challenge = challenges.start_sign_in(alice)

    answered = challenges.complete_sign_in(challenge.id, code=code)

    assert isinstance(answered.factor, RecoverySheet)
    again = challenges.start_sign_in(alice)
    with pytest.raises(InvalidCode):
        challenges.complete_sign_in(again.id, code=code)
    assert challenges.complete_sign_in(again.id, code=totp_code(alice))


@pytest.mark.django_db(transaction=True)
def test_of_parallel_uses_one_counts():
    alice = make_user("alice", totp=True)
    code = factors.make_recovery_codes(alice)[0]

    results = race(16, lambda: factors.verify_code(alice, code))

    assert results.count(True) == 1
    assert results.count(False) == 15


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_trial", range(50))
def test_of_parallel_uses_one_counts_every_time(_trial):
    test_of_parallel_uses_one_counts()


@pytest.mark.django_db(transaction=True)
def test_parallel_renewals_leave_one_good_sheet():
    alice = make_user("alice", totp=True)

    made = race(6, lambda: factors.make_recovery_codes(alice))

    good = [codes for codes in made if factors.verify_code(alice, codes[0])]
    assert len(good) == 1
    assert RecoveryCode.objects.count() == 10
