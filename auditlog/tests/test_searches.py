from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from django.db import connections, transaction
from uuid_utils.compat import uuid7

from auditlog import selectors
from auditlog.models import Event, SavedSearch
from auditlog.services import searches
from auditlog.tests.factories import make_actor
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound

pytestmark = pytest.mark.django_db
WORDS = {"outcome": "denied", "period": "day"}


def save(person: Any, name: str = "denials", **more: Any) -> SavedSearch:
    given = {"words": WORDS, "is_shared": False, **more}
    return searches.save_search(make_actor(person), name=name, **given)


def test_it_keeps_the_words_and_seals_the_name(alice: Any) -> None:
    saved = SavedSearch.objects.get(pk=save(alice, "  Denials   of bob ").pk)

    assert saved.name == "Denials of bob"
    assert saved.words == WORDS
    assert b"bob" not in bytes(saved.name_sealed)
    assert Event.objects.filter(event_type="auditlog.search_saved").count() == 1


@pytest.mark.parametrize("name", ["actor", "q"])
def test_people_are_kept_by_pseudonym(alice: Any, bob: Any, name: str) -> None:
    saved = save(alice, words={name: "bob"})

    assert saved.words == {name: str(subject_keys().pseudonym(bob.id))}


def test_ones_own_and_shared_ones_are_seen(alice: Any, bob: Any, charlie: Any) -> None:
    own = save(alice)
    shared = save(bob, is_shared=True)
    hidden = save(charlie)

    seen = selectors.list_searches(make_actor(alice))

    assert list(seen) == [own, shared]
    with pytest.raises(NotFound):
        selectors.get_search(make_actor(alice), hidden.id)


def test_only_its_owner_changes_or_deletes_it(alice: Any, bob: Any) -> None:
    shared = save(bob, is_shared=True)
    hidden = save(bob, "other")
    stranger = make_actor(alice)

    for change in (
        lambda pk: searches.delete_search(stranger, pk),
        lambda pk: searches.change_search(stranger, pk, name="mine"),
    ):
        with pytest.raises(Denied):
            change(shared.id)
        with pytest.raises(NotFound):
            change(hidden.id)
        with pytest.raises(NotFound):
            change(uuid7())

    searches.delete_search(make_actor(bob), shared.id)
    assert not SavedSearch.objects.filter(pk=shared.pk).exists()


def test_a_name_is_used_once_however_it_is_cased(alice: Any, bob: Any) -> None:
    save(alice)
    save(bob)

    with pytest.raises(Conflict) as refusal:
        save(alice, "DENIALS")

    assert refusal.value.code == "search_name_taken"
    assert "name" in refusal.value.fields
    assert SavedSearch.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "words", "field"),
    [
        ("", WORDS, "name"),
        ("x" * 81, WORDS, "name"),
        ("a\x00b", WORDS, "name"),
        ("fine", {"outcome": "maybe"}, "outcome"),
        ("fine", {"actor": "nobody-of-that-name"}, "actor"),
    ],
)
def test_what_cannot_be_searched_for_is_not_saved(
    alice: Any, name: str, words: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        save(alice, name, words=words)

    assert field in refusal.value.fields
    assert not SavedSearch.objects.exists()


def test_nothing_is_no_search(alice: Any) -> None:
    with pytest.raises(Invalid):
        save(alice, words={"cursor": "AAAA"})


def test_there_is_a_limit(alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST_SEARCHES", 1)
    save(alice)

    with pytest.raises(Conflict, match="At most"):
        save(alice, "another")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_gets_the_name(alice: Any) -> None:
    def attempt(_: int) -> str:
        try:
            save(alice)
        except Conflict as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "saved"

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(attempt, range(8)))

    assert found == sorted(["saved", *["search_name_taken"] * 7])
    assert SavedSearch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_brings_no_deleted_search_back(alice: Any) -> None:
    actor, search = make_actor(alice), save(alice)

    def change() -> Exception | None:
        try:
            searches.change_search(actor, search.id, is_shared=True)
        except NotFound as gone:
            return gone
        finally:
            connections.close_all()
        return None

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            searches.delete_search(actor, search.id)
            changing = pool.submit(change)
            wait([changing], timeout=0.4)
            assert not changing.done()
        outcome = changing.result(timeout=10)

    assert isinstance(outcome, NotFound)
    assert not SavedSearch.objects.exists()
