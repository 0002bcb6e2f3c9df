"""Who works at the demo organisation: made up, and the same at every seeding."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from random import Random  # noqa: TID251 - invented people, not secrets

DATA = Path(__file__).parent / "data"
REGIONS = ("north", "south", "east", "west")
DEPARTMENTS = {
    "Engineering": 48,
    "Operations": 32,
    "Support": 28,
    "Marketing": 20,
    "Finance": 16,
    "Human Resources": 14,
    "IT": 14,
    "Legal": 12,
}
TEAMS_PER_REGION = 2
SELLERS_PER_TEAM = 7
PAY = {
    "Sales": 52_000,
    "Engineering": 71_000,
    "Operations": 45_000,
    "Support": 41_000,
    "Marketing": 50_000,
    "Finance": 62_000,
    "Human Resources": 51_000,
    "IT": 60_000,
    "Legal": 74_000,
}
# Who can sign in to the demo: username, name, department, region, team.
CAST = (
    ("alice", "Alice Morgan", "Sales", "north", "north-1"),
    ("bob", "Bob Miller", "Sales", "north", "north-1"),
    ("carol", "Carol White", "Human Resources", "south", "human-resources-1"),
    ("dan", "Dan Fischer", "Finance", "east", "finance-1"),
    ("erin", "Erin Clarke", "Operations", "west", "operations-1"),
)
KNOWN_NAMES = ("Jane Smith", "John Brown")
STREETS = ("Mill Lane", "Oak Street", "Station Road", "High Street", "Park Avenue")
CITIES = {"north": "Leeds", "south": "Brighton", "east": "Norwich", "west": "Bristol"}


@dataclass(frozen=True)
class Employee:
    """One invented employee, in the order of the table's columns."""

    employee_id: int
    username: str
    name: str
    email: str
    phone: str
    department: str
    region: str
    team: str
    job_title: str
    manager: str | None
    hired_on: date
    birth_date: date
    national_id: str
    address: str

    @property
    def is_seller(self) -> bool:
        """Whether sales are booked under this name."""
        return self.department == "Sales" and self.job_title == "Sales representative"


@dataclass(frozen=True)
class _Seat:
    department: str
    region: str
    team: str
    is_lead: bool


def workforce(random: Random, *, today: date) -> list[Employee]:
    """Return everybody, the cast of the demo first in their teams."""
    names = _names(random)
    taken: set[str] = set()
    leads: dict[str, str] = {}
    people = []
    for number, seat in enumerate(_seats(), start=1):
        username, name = _identity(seat, taken) or ("", next(names))
        username = username or name.lower().replace(" ", ".")
        manager = None if seat.is_lead else leads[seat.team]
        if seat.is_lead:
            leads[seat.team] = name
        person = _person(random, number, (username, name), seat, manager, today)
        people.append(person)
    return people


def _seats() -> list[_Seat]:
    seats = []
    for region, number in product(REGIONS, range(1, TEAMS_PER_REGION + 1)):
        team = f"{region}-{number}"
        seats += [
            _Seat("Sales", region, team, is_lead=place == 0)
            for place in range(SELLERS_PER_TEAM + 1)
        ]
    for department, size in DEPARTMENTS.items():
        team = department.lower().replace(" ", "-") + "-1"
        seats += [
            _Seat(department, REGIONS[place % 4], team, is_lead=place == 0)
            for place in range(size)
        ]
    return seats


def _identity(seat: _Seat, taken: set[str]) -> tuple[str, str] | None:
    """Seat a member of the cast where he belongs: alice leads, the others do not."""
    for username, name, department, region, team in CAST:
        leads = username == "alice"
        where = (department, region, team, leads)
        wanted = (seat.department, seat.region, seat.team, seat.is_lead)
        if username not in taken and where == wanted:
            taken.add(username)
            return username, name
    return None


def _names(random: Random) -> Iterator[str]:
    names = tomllib.loads((DATA / "names.toml").read_text())
    pairs = [
        f"{first} {last}"
        for first, last in product(names["first"].split(), names["last"].split())
    ]
    random.shuffle(pairs)
    return iter([*KNOWN_NAMES, *pairs])


def _person(  # noqa: PLR0913, PLR0917 - one row of the table
    random: Random,
    number: int,
    identity: tuple[str, str],
    seat: _Seat,
    manager: str | None,
    today: date,
) -> Employee:
    username, name = identity
    role = "representative" if seat.department == "Sales" else "specialist"
    street = random.choice(STREETS)
    return Employee(
        employee_id=1000 + number,
        username=username,
        name=name,
        email=f"{name.lower().replace(' ', '.')}@demo.example",
        phone=f"+44 1632 960{number:03d}",
        department=seat.department,
        region=seat.region,
        team=seat.team,
        job_title=f"{seat.department} {'manager' if seat.is_lead else role}",
        manager=manager,
        hired_on=today - timedelta(days=random.randint(20, 4000)),
        birth_date=date(1962, 1, 1) + timedelta(days=random.randint(0, 14_000)),
        # 900-999 is never issued as a social security number.
        national_id=f"9{random.randint(0, 99):02d}-{random.randint(10, 69)}"
        f"-{random.randint(1, 9999):04d}",
        address=f"{random.randint(1, 180)} {street}, {CITIES[seat.region]}",
    )
