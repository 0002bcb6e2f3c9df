"""The organisation of a drill: who works there, when, from where, and how much."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from chatsec.drill.model import Chance, Person, Place, chance_of

DEPARTMENTS: Final[Mapping[str, tuple[str, float]]] = {
    # The role of most people there, and the share of the organisation.
    "Sales": ("sales_rep", 0.25),
    "Sales management": ("sales_manager", 0.12),
    "Human Resources": ("hr_specialist", 0.08),
    "Finance": ("finance", 0.12),
    "Operations": ("employee", 0.22),
    "Engineering": ("employee", 0.18),
    "IT": ("admin", 0.03),
}
WITH_TOTP: Final = frozenset({"hr_specialist", "finance", "admin"})
AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Version/17.5 Safari/605.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0 Edg/131.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) Version/18.1 Mobile Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14) Chrome/131.0 Mobile Safari/537.36",
)
PROGRAM_AGENT: Final = "reporting-job/2.4"
OFFICES: Final = ("192.0.2", "198.51.100", "203.0.113", "192.88.99")
WEEK: Final = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Make:
    """What kind of organisation it is."""

    size: int = 250
    programs: int = 6
    # The zones that people work in, with their shares.
    zones: tuple[tuple[float, float], ...] = ((0.0, 0.6), (1.0, 0.3), (-5.0, 0.1))
    shift_workers: float = 0.04
    dormant: int = 12


# The organisation that rules may be tuned on, and a changed one that judges them.
TUNING: Final = Make()
# Neither of the two: shows authors of rules what they fitted to the first one.
OTHER: Final = Make(
    programs=12,
    zones=((-3.0, 0.4), (2.0, 0.3), (8.0, 0.3)),
    shift_workers=0.10,
)
SCORING: Final = Make(
    programs=18,
    zones=((0.0, 0.3), (1.0, 0.2), (5.5, 0.2), (-8.0, 0.2), (9.0, 0.1)),
    shift_workers=0.15,
)


def populate(make: Make, seed: int) -> tuple[Person, ...]:
    """Return the people and programs; the same ones for the same seed."""
    chance = chance_of(seed, "people")
    people = [_person(index, make, chance) for index in range(make.size)]
    _retire(people, make.dormant, chance)
    programs = [_program(make.size + number, number) for number in range(make.programs)]
    return (*people, *programs)


def _person(index: int, make: Make, chance: Chance) -> Person:
    department = _department(index, make.size)
    role = DEPARTMENTS[department][0]
    is_shift = role == "employee" and chance.random() < make.shift_workers * 2.5
    zone = _pick(make.zones, chance)
    return Person(
        index=index,
        name=f"{role.replace('_', '-')}-{index}",
        role=role,
        department=department,
        has_totp=role in WITH_TOTP,
        zone=zone,
        starts=chance.choice((6.0, 14.0, 22.0)) if is_shift else chance.gauss(8.7, 0.8),
        hours=chance.uniform(7.0, 9.5),
        weekdays=tuple(sorted(chance.sample(range(7), 5))) if is_shift else WEEK,
        volume=math.exp(chance.gauss(math.log(10), 0.45)),
        spread=chance.uniform(0.25, 0.55),
        places=_places(index, zone, chance),
    )


def _retire(people: list[Person], count: int, chance: Chance) -> None:
    """Let the last employees of the list be heard of in the first days only."""
    employees = [person for person in people if person.role == "employee"]
    for person in employees[-count:] if count else ():
        people[person.index] = replace(person, dormant_from=chance.randint(1, 5))


def _program(index: int, number: int) -> Person:
    # The same for each seed: what is declared of a program is part of its account.
    volume = (40.0, 160.0, 80.0, 320.0, 40.0, 200.0)[number % 6]
    if number == 5:
        volume = 1150.0
    place = Place(f"10.20.{number % 4}.{10 + number}", PROGRAM_AGENT)
    return Person(
        index=index,
        name=f"program-{number}",
        role="sales_manager",
        department="IT",
        is_program=True,
        volume=volume,
        spread=0.06,
        weekdays=tuple(range(7)),
        places=(place,),
        # Somebody forgot to declare the one that asks most, as happens.
        declared=None if number == 5 else int(volume * 1.5),
    )


def _department(index: int, size: int) -> str:
    # Spread evenly, so that a small organisation has everybody too.
    if index == 3:
        return "IT"
    position, reached = (index * 0.618034 + 0.5 / size) % 1.0, 0.0
    for name, (_, share) in DEPARTMENTS.items():
        reached += share
        if position < reached:
            return name
    return "Operations"


def _pick(shares: tuple[tuple[float, float], ...], chance: Chance) -> float:
    values, weights = zip(*shares, strict=True)
    return float(chance.choices(values, weights)[0])


def _places(index: int, zone: float, chance: Chance) -> tuple[Place, ...]:
    """Return the office, home and phone of somebody, in the order of use."""
    office = OFFICES[int(zone) % len(OFFICES)]
    desk, phone = chance.choice(AGENTS[:4]), chance.choice(AGENTS[4:])
    home = f"81.{chance.randint(1, 250)}.{index % 250}"
    host = 2 + index % 250
    return (
        Place(f"{office}.{host}", desk),
        Place(f"{home}.{host}", desk),
        Place(f"100.{64 + index % 60}.{chance.randint(0, 250)}.{host}", phone),
    )
