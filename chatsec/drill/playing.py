"""A scenario brought into the database, through the API or in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from chatsec.drill import bulk
from chatsec.drill.clock import moved
from chatsec.drill.model import Person, Place, Scenario
from chatsec.drill.population import PROGRAM_AGENT
from chatsec.drill.replay import Player
from chatsec.drill.shapes import HERE, Shapes, Teacher
from chatsec.drill.staff import Account, give_keys, hire

ROLES: Final = (
    "employee",
    "sales_rep",
    "sales_manager",
    "hr_specialist",
    "finance",
    "admin",
)
# Accounts are older than the first day that is played.
HIRED_BEFORE: Final = timedelta(days=2)
LESSONS_BEFORE: Final = timedelta(days=3, hours=12)
WITH_TOTP: Final = ROLES[3:]


def learn(before: datetime, needs: frozenset[tuple[str, str]] | None = None) -> Shapes:
    """Return the shapes of what the API writes, tried in the days before then."""
    _refuse_production()
    people = [
        Person(index, f"lesson-{index}", role, "Lessons", has_totp=role in WITH_TOTP)
        for index, role in enumerate(ROLES)
    ]
    place = Place(HERE.address, PROGRAM_AGENT)
    people.append(
        Person(
            len(ROLES),
            "lesson-program",
            "sales_manager",
            "IT",
            is_program=True,
            places=(place,),
        )
    )
    noon = (before - LESSONS_BEFORE).timestamp()
    _ensure_partitions(before - LESSONS_BEFORE)
    with moved(noon) as clock:
        accounts = hire(people, can_sign_in=True)
        give_keys(accounts)
        return Teacher(Player(accounts, clock), noon + 60.0, needs).learn()


def needed(scenario: Scenario) -> frozenset[tuple[str, str]]:
    """Return which questions are asked in a scenario, and by which role."""
    roles = [{person.role} for person in scenario.people]
    for act in scenario.acts:
        if act.verb == "grant":
            roles[act.to].add(act.what)
    asked = {(act.person, act.what) for act in scenario.acts if act.verb == "ask"}
    return frozenset((role, what) for who, what in asked for role in roles[who])


def play_by_api(scenario: Scenario) -> list[Account]:
    """Play every act through the API; return the accounts of those who act."""
    _refuse_production()
    _ensure_partitions(scenario.start - HIRED_BEFORE)
    with moved((scenario.start - HIRED_BEFORE).timestamp()) as clock:
        accounts = hire(scenario.people, can_sign_in=True)
        give_keys(accounts)
        Player(accounts, clock).play(scenario.acts)
    return accounts


def hire_for_rows(people: Sequence[Person], *, start: datetime) -> list[Account]:
    """Return accounts that rows can be written of; nobody can sign in to them."""
    _refuse_production()
    _ensure_partitions(start - HIRED_BEFORE)
    with moved((start - HIRED_BEFORE).timestamp()):
        return hire(people, can_sign_in=False)


def play_in_bulk(
    scenario: Scenario, shapes: Shapes, accounts: Sequence[Account]
) -> int:
    """Write the rows of every act; return how many there are."""
    return fill(lines_of(scenario, shapes), shapes.columns, accounts)


def lines_of(scenario: Scenario, shapes: Shapes) -> Iterator[str]:
    """Yield what every act leaves in the audit log, as lines to fill it with."""
    return bulk.Writer(scenario.people, shapes, scenario.seed).lines(scenario.acts)


def fill(
    lines: Iterable[str], columns: Sequence[str], accounts: Sequence[Account]
) -> int:
    """Write lines into the audit log, about these accounts; return how many."""
    _refuse_production()
    return bulk.write(lines, columns, [str(each.pseudonym) for each in accounts])


def _ensure_partitions(since: datetime) -> None:
    with connections["retention"].cursor() as cursor:
        cursor.execute("SELECT audit_ensure_partitions(%s, 6)", [since.date()])


def _refuse_production() -> None:
    if settings.PRODUCTION:
        raise ImproperlyConfigured("Drills are refused in production.")
