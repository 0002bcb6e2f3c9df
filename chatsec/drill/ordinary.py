"""What people do who mean no harm, with everything about it that looks like harm.

Month ends, overtime, journeys, new devices, forgotten passwords, questions that are
not theirs to ask, new tasks with new roles, long absences, programs around the clock.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from chatsec.drill.model import DAY, HOUR, NOBODY, Act, Chance, Person, Place, chance_of
from chatsec.drill.population import AGENTS

Weights = Mapping[str, float]
EVERYBODYS: Final[Weights] = {
    "hours": 1,
    "vacation": 1,
    "password": 0.3,
    "help": 0.5,
    "own_data": 0.3,
    "directory": 3,
    "headcount": 0.7,
}
SALES: Final[Weights] = {
    "own_sales_1": 2,
    "own_sales_2": 2,
    "summary_1": 2,
    "summary_3": 2,
    "products": 2,
    "regions": 1,
    "trend": 1,
    "top_products": 1,
    "notes": 2,
    "own_performance": 0.3,
}
ASKED: Final[Mapping[str, Weights]] = {
    "employee": EVERYBODYS,
    "admin": EVERYBODYS,
    "sales_rep": {**EVERYBODYS, **SALES},
    "sales_manager": {
        **EVERYBODYS,
        **SALES,
        "sellers": 2,
        "team_1": 2,
        "team_4": 2,
        "detail_1": 1,
        "detail_4": 1,
    },
    "hr_specialist": {
        **EVERYBODYS,
        "record_one": 5,
        "records": 1,
        "reviews": 1,
        "headcount": 2,
    },
    "finance": {
        **EVERYBODYS,
        "report": 3,
        "report_2": 2,
        "budget": 3,
        "summary_1": 2,
        "regions": 2,
        "trend": 2,
    },
}
PROGRAMS: Final[Weights] = {"summary_1": 2, "products": 2, "detail_1": 1, "trend": 1}
# Not theirs to ask, and asked by mistake all the same.
MISTAKEN: Final[Mapping[str, tuple[str, ...]]] = {
    "employee": ("summary_1", "report", "own_performance", "budget"),
    "admin": ("summary_1", "report"),
    "sales_rep": ("team_1", "sellers", "detail_1", "report"),
    "sales_manager": ("report", "budget", "records"),
    "hr_specialist": ("summary_1", "budget", "report"),
    "finance": ("detail_1", "sellers", "notes"),
}
# Pages for administrators only, as docs/reference/api.md has them.
PAGES: Final = ("people", "audit", "incidents", "roles")
BUSY_AT_MONTH_END: Final = frozenset({"finance", "sales_rep", "sales_manager"})


@dataclass(slots=True)
class Life:
    """What of a person's six weeks is decided beforehand."""

    away: frozenset[int]
    journey: frozenset[int]
    journey_place: Place
    new_device_from: int
    new_device: Place
    is_confused: bool
    overtime: frozenset[int]
    # The questions of a role that is given for a while.
    more_from: int = 10_000
    more: str = ""
    asks: dict[str, tuple[list[str], list[float]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of a scenario."""

    start: datetime
    days: int

    def day(self, number: int) -> datetime:
        """Return the beginning of a day, in UTC."""
        return self.start + timedelta(days=number)

    def is_month_end(self, number: int) -> bool:
        """Whether accounts are closed then."""
        date = self.day(number).date()
        return date.day >= monthrange(date.year, date.month)[1] - 2 or date.day == 1


def ordinary_acts(
    people: tuple[Person, ...], calendar: Calendar, seed: int
) -> Iterator[Act]:
    """Yield what everybody does, person by person."""
    lives = {
        person.index: _life(person, calendar, chance_of(seed, "life", person.index))
        for person in people
    }
    yield from _new_tasks(people, lives, calendar, chance_of(seed, "tasks"))
    for person in people:
        chance = chance_of(seed, "days", person.index)
        for number in range(calendar.days):
            if person.is_program:
                yield from _program_day(person, calendar, number, chance)
            elif _is_at_work(person, lives[person.index], calendar, number):
                day = _Day(person, lives[person.index], calendar, chance)
                acts = list(day.acts(number))
                yield from acts
                # With numbers of their own: the rest of the day is as it was.
                own = chance_of(seed, "pages", person.index, number)
                yield from _pages(person, acts, own)


def _life(person: Person, calendar: Calendar, chance: Chance) -> Life:
    away: set[int] = set()
    if chance.random() < 0.35:
        first = chance.randrange(calendar.days)
        away = set(range(first, first + chance.choice((3, 5, 9, 14))))
    journey: set[int] = set()
    if chance.random() < 0.10:
        first = chance.randrange(calendar.days)
        journey = set(range(first, first + chance.randint(2, 6)))
    network = f"{chance.randint(130, 170)}.{chance.randint(1, 250)}.7"
    elsewhere = f"{network}.{2 + person.index % 250}"
    agent = person.places[0].agent if person.places else AGENTS[0]
    is_new = chance.random() < 0.25
    return Life(
        away=frozenset(away),
        journey=frozenset(journey),
        journey_place=Place(elsewhere, agent),
        new_device_from=chance.randrange(calendar.days) if is_new else 10_000,
        new_device=Place(
            person.places[0].address if person.places else "", chance.choice(AGENTS[:4])
        ),
        is_confused=chance.random() < 0.06,
        overtime=frozenset(
            number for number in range(calendar.days) if chance.random() < 0.03
        ),
    )


def _is_at_work(person: Person, life: Life, calendar: Calendar, number: int) -> bool:
    if number in life.away:
        return False
    if person.dormant_from is not None and number >= person.dormant_from:
        return False
    works = calendar.day(number).weekday() in person.weekdays
    return works or number in life.overtime


def _new_tasks(
    people: tuple[Person, ...],
    lives: Mapping[int, Life],
    calendar: Calendar,
    chance: Chance,
) -> Iterator[Act]:
    """Give somebody a further role now and then, and with it more to ask."""
    admins = [person for person in people if person.role == "admin"]
    others = [
        person
        for person in people
        if person.role == "employee" and person.dormant_from is None
    ]
    for number in range(calendar.days):
        weekday = calendar.day(number).weekday() < 5
        if not (admins and others and weekday and chance.random() < 0.15):
            continue
        admin, person = chance.choice(admins), chance.choice(others)
        life = lives[person.index]
        if life.more or number in lives[admin.index].away:
            continue
        life.more, life.more_from = "sales_rep", number + 1
        at = calendar.day(number).timestamp() + (11 - admin.zone) * HOUR
        at += chance.uniform(0, HOUR)
        place = admin.places[0]
        yield Act(at, admin.index, "sign_in", place)
        yield Act(at + 60, admin.index, "grant", place, "sales_rep", person.index)


def _pages(person: Person, acts: Sequence[Act], chance: Chance) -> Iterator[Act]:
    """Open a page for administrators: by an old bookmark, or to see what is there."""
    asked = [act for act in acts if act.verb == "ask"]
    has_bookmark = person.index % 50 == 17
    often = 0.2 if has_bookmark else 0.003
    if person.role == "admin" or not asked or chance.random() >= often:
        return
    act = chance.choice(asked)
    page = PAGES[person.index % 4] if has_bookmark else chance.choice(PAGES)
    for again in range(chance.choice((1, 1, 1, 2))):
        at = act.at + 2.5 + again * chance.uniform(3, 9)
        yield Act(at, person.index, "open_page", act.place, page)


def _program_day(
    person: Person, calendar: Calendar, number: int, chance: Chance
) -> Iterator[Act]:
    count = _lognormal(person, chance)
    start = calendar.day(number).timestamp()
    names, weights = list(PROGRAMS), list(PROGRAMS.values())
    step = DAY / count
    for place_in_day in range(count):
        at = start + step * (place_in_day + chance.uniform(0.1, 0.9))
        what = chance.choices(names, weights)[0]
        yield Act(at, person.index, "key_ask", person.places[0], what)


def _lognormal(person: Person, chance: Chance, factor: float = 1.0) -> int:
    middle = math.log(person.volume * factor)
    return max(1, round(math.exp(chance.gauss(middle, person.spread))))


@dataclass(slots=True)
class _Day:
    """One person's day."""

    person: Person
    life: Life
    calendar: Calendar
    chance: Chance

    def acts(self, number: int) -> Iterator[Act]:
        """Yield the day: a few times of work, each after a sign-in."""
        person, chance = self.person, self.chance
        factor = 1.0
        if person.role in BUSY_AT_MONTH_END and self.calendar.is_month_end(number):
            factor = chance.uniform(1.4, 2.6)
        elif chance.random() < 0.01:
            factor = chance.uniform(2.0, 3.5)
        count = _lognormal(person, chance, factor)
        begin = self.calendar.day(number).timestamp()
        begin += (person.starts - person.zone + chance.gauss(0, 0.5)) * HOUR
        hours = person.hours + (
            chance.uniform(1, 4) if number in self.life.overtime else 0
        )
        parts = min(count, chance.choice((1, 2, 2, 3, 4)))
        for part in range(parts):
            at = begin + hours * HOUR * (part + chance.uniform(0, 0.6)) / parts
            share = count // parts + (1 if part < count % parts else 0)
            room = hours * HOUR / parts * 0.4
            yield from self._work(number, at, share, room)

    def _work(self, number: int, at: float, count: int, room: float) -> Iterator[Act]:
        place, chance, me = self._place(number), self.chance, self.person.index
        for act in self._mishaps(at, place):
            at = act.at + chance.uniform(5, 40)
            yield act
        yield Act(at, me, "sign_in", place)
        gap = min(room / (count + 1), 1200.0)
        for _ in range(count):
            at += max(4.0, min(1500.0, chance.expovariate(1 / gap)))
            for what in self._questions(number):
                yield Act(at, me, "ask", place, what)
                at += chance.uniform(10, 60)
        if chance.random() < 0.001:
            yield Act(at + 30, me, "export", place)

    def _mishaps(self, at: float, place: Place) -> Iterator[Act]:
        """Yield wrong passwords and codes, as everybody types them now and then."""
        chance, me = self.chance, self.person.index
        drawn = chance.random()
        wrong = 1 if drawn < 0.03 else 2 if drawn < 0.037 else 4 if drawn < 0.038 else 0
        for tried in range(wrong):
            yield Act(at + tried * 12.0, NOBODY, "wrong_password", place, to=me)
        if wrong == 4:
            yield Act(at + 70.0, NOBODY, "reset", place, to=me)
        if self.person.has_totp and chance.random() < 0.015:
            yield Act(at + 90.0, NOBODY, "wrong_code", place, to=me)

    def _place(self, number: int) -> Place:
        if number in self.life.journey:
            return self.life.journey_place
        place = self.chance.choices(self.person.places, (0.62, 0.3, 0.08))[0]
        is_phone = place.agent in AGENTS[4:]
        if number >= self.life.new_device_from and not is_phone:
            return Place(place.address, self.life.new_device.agent)
        return place

    def _questions(self, number: int) -> list[str]:
        """Return the next question, or a series of mistaken ones."""
        drawn = self.chance.random()
        role = self.person.role
        if drawn < 0.004:
            return ["salaries"]
        if self.life.is_confused and drawn < 0.04:
            return [self.chance.choice(MISTAKEN[role])] * self.chance.choice((1, 2, 3))
        if drawn < 0.012:
            return [self.chance.choice(MISTAKEN[role])]
        has_more = self.life.more and number >= self.life.more_from
        return [self._draw(self.life.more if has_more else role)]

    def _draw(self, role: str) -> str:
        if role not in self.life.asks:
            # Everybody has questions of his own that he asks more often.
            weights = [
                weight * self.chance.uniform(0.3, 2.0)
                for weight in ASKED[role].values()
            ]
            self.life.asks[role] = (list(ASKED[role]), weights)
        names, weights = self.life.asks[role]
        return self.chance.choices(names, weights)[0]
