"""Whether figures of groups, taken together, single out fewer than five people.

A figure is a sum over *units*: what one person has in one cell of the finest grid.
Whoever holds several figures can add and subtract them. So the figures are the rows of
a matrix over the units, and what can be had from them is its row space. A figure of
fewer than five people can be had exactly if some row of that space is zero but for
units of fewer than five. Units in which every figure agrees are one column; columns of
five people and more must come out as zero, which elimination sees to first.

The arithmetic is exact, modulo a large prime: at worst it sees a combination that is
none, and holds back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, islice
from math import comb
from typing import Final

import numpy as np
import numpy.typing as npt

from chat.constants import SMALLEST_GROUP

Group = frozenset[bytes]
Persons = Mapping[bytes, bytes]
Key = tuple[object, ...]
Matrix = npt.NDArray[np.int64]
PRIME: Final = 2**31 - 1
# Stands for the person of rows that are nobody's.
NOBODY: Final = bytes(8)
# Beyond this many combinations nothing is proven, and so nothing is released.
MAX_COMBINATIONS: Final = 3_000


def count_persons(group: Group, persons: Persons) -> int:
    """Return how many people the group's figure is made of; nobody counts as nobody."""
    return len({persons[unit] for unit in group} - {NOBODY})


def isolates(groups: Iterable[Group], persons: Persons) -> bool:
    """Whether the groups' figures tell a figure of fewer than five people."""
    matrix, atoms = _atoms(list(dict.fromkeys(group for group in groups if group)))
    people = [{persons[unit] for unit in atom} - {NOBODY} for atom in atoms]
    order = sorted(range(len(atoms)), key=lambda n: len(people[n]) < SMALLEST_GROUP)
    large = sum(len(one) >= SMALLEST_GROUP for one in people)
    reduced, rank = _reduced(matrix[:, order], large)
    rest, rank = _reduced(reduced[rank:, large:], len(atoms) - large)
    return _has_small_row(rest[:rank], [people[n] for n in order[large:]])


def suppress(groups: Mapping[Key, Group], persons: Persons) -> set[Key]:
    """Return the keys of the groups that may be shown.

    None is under five people, and none of those that are not shown can be had by
    subtraction from the totals over any of the keys: whoever may ask for the groups may
    ask for their totals too. The largest groups are kept first.
    """
    fit = [
        key
        for key, group in groups.items()
        if count_persons(group, persons) >= SMALLEST_GROUP
    ]
    totals = _kept_together(_totals(groups), [], persons)
    if not isolates([*totals, *(groups[key] for key in fit)], persons):
        return set(fit)
    fit.sort(key=lambda key: (-count_persons(groups[key], persons), repr(key)))
    kept: list[Key] = []
    for key in fit:
        if not isolates([*totals, *(groups[k] for k in [*kept, key])], persons):
            kept.append(key)
    return set(kept)


def _totals(groups: Mapping[Key, Group]) -> list[Group]:
    """Return the totals over every choice of the keys, largest first."""
    width = len(next(iter(groups), ()))
    found: dict[tuple[tuple[int, ...], Key], set[bytes]] = {}
    for size in range(width):
        for places in combinations(range(width), size):
            for key, group in groups.items():
                part = tuple(key[place] for place in places)
                found.setdefault((places, part), set()).update(group)
    return sorted(map(frozenset, found.values()), key=len, reverse=True)


def _kept_together(
    candidates: Sequence[Group], kept: list[Group], persons: Persons
) -> list[Group]:
    """Return as many of the candidates as can be known without telling too much."""
    if not isolates([*kept, *candidates], persons):
        return [*kept, *candidates]
    for group in candidates:
        if not isolates([*kept, group], persons):
            kept.append(group)
    return kept


def _atoms(groups: Sequence[Group]) -> tuple[Matrix, list[list[bytes]]]:
    """Return which groups hold which atoms: units that no group tells apart."""
    patterns: dict[bytes, int] = {}
    for number, group in enumerate(groups):
        for unit in group:
            patterns[unit] = patterns.get(unit, 0) | 1 << number
    atoms: dict[int, list[bytes]] = {}
    for unit, pattern in patterns.items():
        atoms.setdefault(pattern, []).append(unit)
    matrix = np.zeros((len(groups), len(atoms)), dtype=np.int64)
    for place, pattern in enumerate(atoms):
        for number in range(len(groups)):
            matrix[number, place] = pattern >> number & 1
    return matrix, list(atoms.values())


def _reduced(matrix: Matrix, columns: int) -> tuple[Matrix, int]:
    """Return the reduced row echelon form over the first columns, and its rank."""
    matrix, rank = matrix.copy(), 0
    for column in range(columns):
        if rank == len(matrix):
            break
        below = np.flatnonzero(matrix[rank:, column])
        if not len(below):
            continue
        swap = rank + int(below[0])
        matrix[[rank, swap]] = matrix[[swap, rank]]
        matrix[rank] = matrix[rank] * pow(int(matrix[rank, column]), -1, PRIME) % PRIME
        others = np.flatnonzero(matrix[:, column])
        others = others[others != rank]
        factors = matrix[others, column][:, None]
        matrix[others] = (matrix[others] - factors * matrix[rank] % PRIME) % PRIME
        rank += 1
    return matrix, rank


def _has_small_row(space: Matrix, people: Sequence[set[bytes]]) -> bool:
    """Whether the space has a row, not all zero, over fewer than five people.

    A row with the fewest people may be taken to be zero in as many independent places
    as the space has dimensions but one; each such choice is tried.
    """
    dimensions = len(space)
    if not dimensions:
        return False
    columns, merged = _merged(space, people)
    if any(_is_small(row, merged) for row in columns):
        return True
    places = columns.shape[1]
    if comb(places, dimensions - 1) > MAX_COMBINATIONS:
        return True
    chosen = islice(combinations(range(places), dimensions - 1), MAX_COMBINATIONS)
    return any(_is_small(_zero_at(columns, at), merged) for at in chosen)


def _merged(
    space: Matrix, people: Sequence[set[bytes]]
) -> tuple[Matrix, list[set[bytes]]]:
    """Join columns that are multiples of each other: they vanish together."""
    found: dict[tuple[int, ...], set[bytes]] = {}
    for place in range(space.shape[1]):
        column = space[:, place]
        first = next((int(value) for value in column if value), 0)
        if first:
            scaled = column * pow(first, -1, PRIME) % PRIME
            key = tuple(int(value) for value in scaled)
            found.setdefault(key, set()).update(people[place])
    return np.array(list(found), dtype=np.int64).T, list(found.values())


def _zero_at(space: Matrix, places: tuple[int, ...]) -> Matrix:
    """Return a row of the space that is zero there, zero if there are several."""
    identity = np.eye(len(space), dtype=np.int64)
    taken = space[:, list(places)]
    reduced, rank = _reduced(np.hstack([taken, identity]), len(places))
    if rank != len(places):
        return np.zeros(space.shape[1], dtype=np.int64)
    weights = reduced[rank, len(places) :]
    products = weights[:, None] * space % PRIME
    row: Matrix = products.sum(axis=0) % PRIME
    return row


def _is_small(row: Matrix, people: Sequence[set[bytes]]) -> bool:
    support = np.flatnonzero(row)
    if not len(support):
        return False
    together: set[bytes] = set()
    for place in map(int, support):
        together |= people[place]
    return len(together) < SMALLEST_GROUP
