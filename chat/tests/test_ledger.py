"""The ledger of released groups: of overlapping ones, however asked, one."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connections

from chat.datasets.groups import isolates
from chat.errors import TooSimilar
from chat.models import ReleasedGroup
from chat.services.ledger import Grid, remember_release

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GRID = Grid(b"relation", b"basis")


def group(people):
    return frozenset(bytes([person + 1]) * 8 for person in people)


def note(user, people):
    one = group(people)
    persons = {unit: unit for unit in one}
    remember_release(user.id, GRID, [one], persons=persons, now=NOON)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("smaller", [range(7), range(1, 10)])
def test_of_overlapping_questions_at_once_one_is_answered(alice, smaller):
    released = set()
    start = threading.Barrier(8)

    def try_it(people):
        start.wait()
        try:
            note(alice, people)
            released.add(group(people))
        except TooSimilar:
            pass
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=try_it, args=[people])
        for people in [range(10), smaller] * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(released) == 1
    kept = [bytes(row.members) for row in ReleasedGroup.objects.all()]
    assert len(kept) == 1


@pytest.mark.django_db
def test_what_is_kept_is_safe_whatever_is_asked(alice):
    kept = []
    for size in range(5, 40):
        try:
            note(alice, range(size))
        except TooSimilar:
            continue
        kept.append(group(range(size)))

    persons = {unit: unit for unit in group(range(40))}
    assert [len(one) for one in kept] == [5, 10, 15, 20, 25, 30, 35]
    assert not isolates(kept, persons)
