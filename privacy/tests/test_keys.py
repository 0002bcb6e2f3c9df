"""Subject keys: one each, never lost by a rollback, gone when destroyed."""

from __future__ import annotations

import contextlib
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts.tests.race import race
from chatsec.core import crypto
from privacy.models import SubjectKey
from privacy.services import keys

PLACE = crypto.Place("test", "text", 1)


@pytest.fixture(autouse=True)
def _cold_cache() -> None:
    keys.forget_cached_keys()


@pytest.fixture
def provider() -> keys.DatabaseSubjectKeys:
    return keys.DatabaseSubjectKeys()


def sealed(subject: UUID, text: str = "hello") -> bytes:
    return crypto.seal_for(subject, text, place=PLACE)


class Rollback(Exception):
    pass


@pytest.mark.django_db
def test_it_makes_a_key_on_first_use_and_keeps_it(provider):
    subject = uuid4()

    key = provider.data_key(subject)
    keys.forget_cached_keys()

    assert len(key) == 32
    assert provider.data_key(subject) == key
    assert provider.data_key(uuid4()) != key


@pytest.mark.django_db
def test_it_stores_the_key_only_wrapped(provider):
    subject = uuid4()

    key = provider.data_key(subject)

    assert key not in bytes(SubjectKey.objects.get(subject_id=subject).wrapped_key)


@pytest.mark.django_db(transaction=True)
def test_it_makes_one_key_for_sixteen_threads(provider):
    subject = uuid4()

    found = race(16, lambda: provider.data_key(subject))

    assert {type(each) for each in found} == {bytes}
    assert len(set(found)) == 1
    assert SubjectKey.objects.filter(subject_id=subject).count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_loses_nothing_when_the_first_use_is_rolled_back():
    subject = uuid4()
    with contextlib.suppress(Rollback), transaction.atomic():
        sealed(subject)
        raise Rollback

    blob = sealed(subject)
    keys.forget_cached_keys()

    assert crypto.open_for(subject, blob, place=PLACE) == "hello"


@pytest.mark.django_db(transaction=True)
def test_it_loses_nothing_when_a_savepoint_is_rolled_back():
    subject = uuid4()
    with transaction.atomic():
        with contextlib.suppress(Rollback), transaction.atomic():
            sealed(subject)
            raise Rollback
        blob = sealed(subject)
    keys.forget_cached_keys()

    assert crypto.open_for(subject, blob, place=PLACE) == "hello"


@pytest.mark.django_db(transaction=True)
def test_a_key_is_not_shared_before_its_transaction_commits(provider):
    subject = uuid4()

    with transaction.atomic():
        provider.data_key(subject)
        before = keys._cache.get(subject)

    assert before is None
    assert keys._cache.get(subject) is not None


@pytest.mark.django_db(transaction=True)
def test_a_cached_key_costs_no_query(provider, django_assert_num_queries):
    subject = uuid4()
    provider.data_key(subject)

    with django_assert_num_queries(0):
        provider.data_key(subject)
        provider.pseudonym(subject)


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_a_key_is_read_once(provider, django_assert_num_queries):
    subject = uuid4()
    provider.data_key(subject)
    keys.forget_cached_keys()

    with transaction.atomic(), django_assert_num_queries(1):
        provider.data_key(subject)
        provider.data_key(subject)


@pytest.mark.django_db(transaction=True)
def test_many_keys_are_loaded_by_one_query(provider, django_assert_num_queries):
    subjects = [uuid4() for _ in range(5)]
    for each in subjects:
        provider.data_key(each)
    keys.forget_cached_keys()

    with django_assert_num_queries(1):
        provider.warm(subjects)
        for each in subjects:
            provider.data_key(each)


def test_a_cached_key_ends_with_its_time():
    cache = keys.KeyCache(seconds=0)
    subject = uuid4()

    cache.put(subject, keys.Secret(b"k" * 32, uuid4()))

    assert cache.get(subject) is None


def test_the_cache_drops_the_least_recently_used():
    cache = keys.KeyCache(size=2)
    first, second, third = uuid4(), uuid4(), uuid4()
    for each in (first, second):
        cache.put(each, keys.Secret(b"k", uuid4()))
    cache.get(first)

    cache.put(third, keys.Secret(b"k", uuid4()))

    assert cache.get(second) is None
    assert cache.get(first) is not None


def test_a_slow_reader_does_not_bring_a_destroyed_key_back():
    cache = keys.KeyCache()
    subject = uuid4()
    cache.put(subject, keys.Secret(None, uuid4()))

    cache.put(subject, keys.Secret(b"k", uuid4()))

    found = cache.get(subject)
    assert found is not None
    assert found.key is None


@pytest.mark.django_db(transaction=True)
def test_a_destroyed_key_opens_nothing_again():
    subject = uuid4()
    blob = sealed(subject)

    keys.destroy_key(subject)

    with pytest.raises(crypto.KeyDestroyed):
        crypto.open_for(subject, blob, place=PLACE)
    keys.forget_cached_keys()
    with pytest.raises(crypto.KeyDestroyed):
        sealed(subject)
    assert bytes(SubjectKey.objects.get(subject_id=subject).wrapped_key) == b""


@pytest.mark.django_db(transaction=True)
def test_destruction_counts_at_once_in_its_own_transaction():
    subject = uuid4()
    sealed(subject)

    with transaction.atomic():
        keys.destroy_key(subject)
        with pytest.raises(crypto.KeyDestroyed):
            sealed(subject)


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_destruction_destroys_nothing():
    subject = uuid4()
    blob = sealed(subject)

    with contextlib.suppress(Rollback), transaction.atomic():
        keys.destroy_key(subject)
        raise Rollback

    assert crypto.open_for(subject, blob, place=PLACE) == "hello"


@pytest.mark.django_db(transaction=True)
def test_destroying_while_others_create_leaves_no_key(provider):
    subject = uuid4()

    def act() -> None:
        keys.destroy_key(subject)

    race(8, act)

    keys.forget_cached_keys()
    with pytest.raises(crypto.KeyDestroyed):
        provider.data_key(subject)


@pytest.mark.django_db
def test_a_pseudonym_leads_back_until_the_key_is_destroyed(provider):
    subject = uuid4()
    pseudonym = provider.pseudonym(subject)
    assert provider.subject_of(pseudonym) == subject
    assert pseudonym != subject

    keys.destroy_key(subject)

    assert provider.subject_of(pseudonym) is None
    assert provider.pseudonym(subject) != pseudonym
    assert provider.subject_of(provider.pseudonym(subject)) is None


@pytest.mark.django_db
def test_the_database_refuses_a_destroyed_key_that_is_still_there(provider):
    provider.data_key(subject := uuid4())
    row = SubjectKey.objects.get(subject_id=subject)
    row.destroyed_at = row.created_at

    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.django_db
def test_a_wrapped_key_does_not_open_for_another_person(provider):
    provider.data_key(one := uuid4())
    provider.data_key(other := uuid4())
    stolen = SubjectKey.objects.get(subject_id=one).wrapped_key
    row = SubjectKey.objects.get(subject_id=other)

    row.wrapped_key = stolen

    with pytest.raises(crypto.DecryptionFailed):
        keys._unwrap(row)


@pytest.mark.django_db(transaction=True)
def test_rotation_rewraps_every_living_key(provider, settings, capsys):
    subjects = [uuid4() for _ in range(5)]
    blobs = {each: sealed(each) for each in subjects}
    keys.destroy_key(gone := uuid4())
    old = settings.CHATSEC_KEY_ENCRYPTION_KEYS
    newest = max(old) + 1
    settings.CHATSEC_KEY_ENCRYPTION_KEYS = {**old, newest: b"n" * 32}

    call_command("rotate_keys", batch=2)

    settings.CHATSEC_KEY_ENCRYPTION_KEYS = {newest: b"n" * 32}
    keys.forget_cached_keys()
    for each, blob in blobs.items():
        assert crypto.open_for(each, blob, place=PLACE) == "hello"
    assert SubjectKey.objects.get(subject_id=gone).kek_epoch != newest
    assert "5 of 5" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_rotation_goes_on_where_it_stopped(provider, settings):
    for _ in range(5):
        provider.data_key(uuid4())
    old = settings.CHATSEC_KEY_ENCRYPTION_KEYS
    settings.CHATSEC_KEY_ENCRYPTION_KEYS = {**old, max(old) + 1: b"n" * 32}

    assert keys.rewrap_batch(limit=2) == 2

    assert keys.count_older_epochs() == 3
    call_command("rotate_keys")
    assert keys.count_older_epochs() == 0


@pytest.mark.django_db
def test_a_missing_epoch_is_a_refusal_and_no_second_key(provider, settings):
    provider.data_key(subject := uuid4())
    settings.CHATSEC_KEY_ENCRYPTION_KEYS = {99: b"z" * 32}
    keys.forget_cached_keys()
    with transaction.atomic():
        SubjectKey.objects.filter(subject_id=subject).update(kek_epoch=7)

    with pytest.raises(crypto.DecryptionFailed):
        keys._opened(SubjectKey.objects.get(subject_id=subject))
