"""What answers tell together, against a reckoning of every small set of people."""

from itertools import chain, combinations
from random import Random  # noqa: TID251 - reproducible cases, nothing secret

import numpy as np
import pytest

from chat.constants import SMALLEST_GROUP
from chat.datasets.groups import NOBODY, isolates, suppress


def unit(person, cell=0):
    return f"{person:04}{cell:04}".encode()


def people(units):
    return {one: one[:4] * 2 for one in units}


def group(persons, cells=(0,)):
    return frozenset(unit(person, cell) for person in persons for cell in cells)


def told(*groups):
    return isolates(groups, people(chain.from_iterable(groups)))


ATTACKS = {
    "a small group": [group(range(4))],
    "a total less one part": [group(range(12)), group(range(9))],
    "a total less all parts but one": [
        group(range(23)),
        group(range(10)),
        group(range(10, 20)),
    ],
    "a year less three quarters": [
        group(range(20), (1, 2, 3)) | group(range(3), (4,)),
        *(group(range(20), (quarter,)) for quarter in (1, 2, 3)),
    ],
    "a total less a row and a cell": [
        group(range(20), (1,)) | group(range(10, 20), (2,)) | group(range(3), (2,)),
        group(range(10, 20), (1, 2)),
        group(range(10), (1,)),
    ],
    "two overlapping groups": [group(range(10)), group(range(1, 11))],
    "the same group with one sale more": [
        group(range(10)),
        group(range(9)) | group([9], (7,)),
    ],
    "three groups, each difference large": [
        group(range(30)),
        group(range(14)),
        group(range(14, 28)),
    ],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_sees_what_answers_tell_together(attack):
    assert told(*ATTACKS[attack])


HARMLESS = {
    "nothing": [],
    "one group": [group(range(5))],
    "the same twice": [group(range(5)), group(range(5))],
    "a total and all its parts": [
        group(range(30)),
        *(group(range(start, start + 10)) for start in (0, 10, 20)),
    ],
    "a year and its quarters": [
        group(range(8), (1, 2, 3, 4)),
        *(group(range(8), (quarter,)) for quarter in (1, 2, 3, 4)),
    ],
    "a difference of five": [group(range(12)), group(range(7))],
    "tables of the same": [
        *(group(range(20), (cell,)) for cell in range(4)),
        group(range(10), range(4)),
        group(range(10, 20), range(4)),
    ],
}


@pytest.mark.parametrize("answers", HARMLESS)
def test_it_lets_large_figures_pass(answers):
    assert not told(*HARMLESS[answers])


def test_rows_of_nobody_do_not_make_a_group_larger():
    units = group(range(4)) | {b"nobody"}

    assert isolates([units], {**people(units), b"nobody": NOBODY})


def tells_by_trying(groups, persons):
    """Try every set of too few people: is there a combination of theirs alone?"""
    units = sorted(set().union(*groups)) if groups else []
    if not units:
        return False
    rows = np.array([[one in each for one in units] for each in groups], dtype=float)
    rank = np.linalg.matrix_rank(rows)
    everybody = sorted({persons[one] for one in units})
    for few in combinations(everybody, min(SMALLEST_GROUP - 1, len(everybody))):
        outside = [n for n, one in enumerate(units) if persons[one] not in few]
        left = np.linalg.matrix_rank(rows[:, outside]) if outside else 0
        if left < rank:
            return True
    return False


def disagreements(count, seed):
    """Return how often the two differ: misses, needless refusals, and all tells."""
    random = Random(seed)
    missed = needless = tells = 0
    for _ in range(count):
        crowd = random.randint(5, 10)
        cells = random.randint(1, 3)
        groups = [
            frozenset(
                unit(person, cell)
                for cell in range(cells)
                if random.random() < 0.7
                for person in range(crowd)
                if random.random() < random.choice([0.6, 0.9, 1.0])
            )
            for _ in range(random.randint(1, 4))
        ]
        persons = people(chain.from_iterable(groups))
        found, truth = isolates(groups, persons), tells_by_trying(groups, persons)
        missed += truth and not found
        needless += found and not truth
        tells += truth
    return missed, needless, tells


def test_it_agrees_with_trying_every_few_people():
    missed, needless, tells = disagreements(250, seed=5)

    assert (missed, needless) == (0, 0)
    assert 20 < tells < 250


@pytest.mark.prove
def test_it_agrees_with_trying_every_few_people_at_length():
    assert disagreements(10_000, seed=6)[:2] == (0, 0)


def split(sizes):
    """Return groups of new people, by key."""
    groups, first = {}, 0
    for key, size in sizes.items():
        groups[key] = group(range(first, first + size))
        first += size
    return groups


def kept(sizes):
    groups = split(sizes)
    return suppress(groups, people(chain.from_iterable(groups.values())))


def test_a_small_group_takes_another_with_it():
    assert kept({("a",): 9, ("b",): 8, ("c",): 7, ("d",): 3}) == {("a",), ("b",)}


def test_small_groups_that_are_enough_together_take_no_other():
    assert kept({("a",): 9, ("b",): 8, ("c",): 3, ("d",): 3}) == {("a",), ("b",)}


def test_nothing_is_held_back_where_all_are_large():
    sizes = {(a, b): 5 + a + b for a in range(3) for b in range(3)}

    assert kept(sizes) == set(sizes)


def test_a_cell_of_a_table_cannot_be_had_from_its_row_and_column():
    sizes = {(a, b): 10 + a + b for a in range(3) for b in range(3)} | {(0, 0): 2}

    shown = kept(sizes)

    assert (0, 0) not in shown
    assert any((0, other) not in shown for other in (1, 2))
    assert any((other, 0) not in shown for other in (1, 2))
    assert len(shown) == 5


def test_no_table_tells_a_small_figure_together_with_its_totals():
    random = Random(7)
    for _ in range(40):
        sizes = {
            (a, b): random.choice([0, 2, 4, 6, 9, 12])
            for a in range(3)
            for b in range(3)
        }
        groups = {key: one for key, one in split(sizes).items() if one}
        persons = people(chain.from_iterable(groups.values()))
        totals = [
            frozenset(
                chain.from_iterable(g for k, g in groups.items() if k[place] == at)
            )
            for place in (0, 1)
            for at in range(3)
        ]
        whole = frozenset(chain.from_iterable(groups.values()))
        large = [one for one in [*totals, whole] if len(one) >= SMALLEST_GROUP]
        if isolates(large, persons):  # some totals are themselves not to be had
            continue

        shown = [groups[key] for key in suppress(groups, persons)]

        assert not isolates([*large, *shown], persons)
