from dataclasses import asdict
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import access_tokens
from accounts.constants import SESSION_ABSOLUTE
from accounts.errors import InvalidToken
from accounts.models import AuthSession, RefreshToken
from accounts.services import people, sessions, tokens
from accounts.tests.factories import make_session, make_user
from accounts.tests.race import of_kind, race


def is_live(session):
    return AuthSession.objects.get(id=session.id).is_live(timezone.now())


@pytest.mark.django_db
def test_it_gives_a_pair_for_ten_and_thirty_minutes():
    session = make_session(make_user("alice"))

    pair = tokens.issue(session)

    assert pair.token_type == "Bearer"
    assert pair.expires_in == 600
    assert pair.refresh_expires_in == 1800
    assert pair.session_id == str(session.id)
    assert len(pair.refresh.removeprefix("csr_")) == 43  # 256 bits in base64


@pytest.mark.django_db
def test_a_refresh_token_is_kept_as_a_digest():
    pair = tokens.issue(make_session(make_user("alice")))

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM accounts_refreshtoken t")
        (kept,) = cursor.fetchone()
    assert pair.refresh not in kept
    assert pair.refresh.encode().hex() not in kept


@pytest.mark.django_db
def test_it_rotates():
    first = tokens.issue(make_session(make_user("alice")))

    second = tokens.refresh(first.refresh)
    third = tokens.refresh(second.refresh)

    assert len({first.refresh, second.refresh, third.refresh}) == 3
    assert third.session_id == first.session_id
    assert access_tokens.verify(third.access)


@pytest.mark.django_db
def test_a_second_use_ends_the_family():
    session = make_session(make_user("alice"))
    first = tokens.issue(session)
    second = tokens.refresh(first.refresh)

    with pytest.raises(InvalidToken):
        tokens.refresh(first.refresh)

    assert not is_live(session)
    with pytest.raises(InvalidToken):
        tokens.refresh(second.refresh)


@pytest.mark.django_db
def test_a_retry_with_the_same_key_gets_the_same_answer():
    session = make_session(make_user("alice"))
    first, now = tokens.issue(session), timezone.now()

    answer = tokens.refresh(first.refresh, idempotency_key="k", now=now)
    again = tokens.refresh(
        first.refresh, idempotency_key="k", now=now + timedelta(seconds=10)
    )

    assert asdict(again) == asdict(answer)
    assert is_live(session)
    assert tokens.refresh(again.refresh)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "later"), [("k", 10.001), ("other", 1), (None, 1), ("", 1)]
)
def test_any_other_second_use_is_no_retry(key, later):
    session = make_session(make_user("alice"))
    first, now = tokens.issue(session), timezone.now()
    tokens.refresh(first.refresh, idempotency_key="k", now=now)

    with pytest.raises(InvalidToken):
        tokens.refresh(
            first.refresh, idempotency_key=key, now=now + timedelta(seconds=later)
        )

    assert not is_live(session)


@pytest.mark.django_db
def test_a_kept_answer_is_sealed_and_soon_forgotten():
    first, now = tokens.issue(make_session(make_user("alice"))), timezone.now()
    answer = tokens.refresh(first.refresh, idempotency_key="k", now=now)
    kept = RefreshToken.objects.get(answer_sealed__isnull=False)
    assert answer.refresh.encode() not in bytes(kept.answer_sealed)

    tokens.refresh(answer.refresh, now=now + timedelta(seconds=11))

    assert not RefreshToken.objects.filter(answer_sealed__isnull=False).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("raw", ["", "nonsense", "csr_" + "a" * 43])
def test_an_unknown_token_refreshes_nothing(raw):
    tokens.issue(make_session(make_user("alice")))

    with pytest.raises(InvalidToken):
        tokens.refresh(raw)


@pytest.mark.django_db
def test_a_refresh_keeps_the_device_awake_but_not_past_twelve_hours():
    session = make_session(make_user("alice"))
    pair, start = tokens.issue(session), session.created_at
    for step in range(1, 26):
        pair = tokens.refresh(pair.refresh, now=start + step * timedelta(minutes=28))

    assert pair.refresh_expires_in == 20 * 60
    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh, now=start + SESSION_ABSOLUTE)


@pytest.mark.django_db
def test_an_idle_device_is_signed_out():
    session = make_session(make_user("alice"))
    pair = tokens.issue(session)

    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh, now=session.created_at + timedelta(minutes=30))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "end",
    [
        lambda user, session: sessions.revoke_session(session),
        lambda user, session: people.close_account(user),
        lambda user, session: type(user).objects.update(is_active=False),
        lambda user, session: people.set_password(user, "another long passphrase"),
    ],
)
def test_an_ended_session_refreshes_nothing(end):
    alice = make_user("alice")
    session = make_session(alice)
    pair = tokens.issue(session)

    end(alice, session)

    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh)


@pytest.mark.django_db
def test_revoking_signs_the_device_out_and_no_other():
    alice = make_user("alice")
    phone, laptop = make_session(alice), make_session(alice)
    pair = tokens.issue(phone)

    tokens.revoke(pair.refresh)
    tokens.revoke("unknown")

    assert not is_live(phone)
    assert is_live(laptop)


def refresh_in_parallel(runners, **options):
    session = make_session(make_user("alice"))
    pair = tokens.issue(session)
    results = race(runners, lambda: tokens.refresh(pair.refresh, **options))
    return session, results


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_trial", range(3))
def test_of_parallel_refreshes_one_wins(_trial):
    session, results = refresh_in_parallel(32)

    assert of_kind(results, tokens.TokenPair) == 1
    assert of_kind(results, InvalidToken) == 31
    assert not is_live(session)


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_trial", range(50))
def test_of_parallel_refreshes_one_wins_every_time(_trial):
    session, results = refresh_in_parallel(32)

    assert of_kind(results, tokens.TokenPair) == 1
    assert not is_live(session)


@pytest.mark.django_db(transaction=True)
def test_parallel_retries_with_one_key_get_one_answer():
    session, results = refresh_in_parallel(16, idempotency_key="same")

    assert of_kind(results, tokens.TokenPair) == 16, results
    assert len({result.refresh for result in results}) == 1
    assert is_live(session)
