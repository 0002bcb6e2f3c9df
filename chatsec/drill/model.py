"""The words of a drill: people, what they do, and which of it is hostile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - repeatable on purpose, and never shown
from typing import Literal, NamedTuple

Chance = Random
Role = Literal["employee", "sales_rep", "sales_manager", "hr_specialist", "finance"]
Verb = Literal[
    "sign_in",
    "wrong_password",
    "wrong_code",
    "ask",
    "key_ask",
    "grant",
    "withdraw",
    "reset",
    "export",
    "open_page",
]
# Who signs in as nobody that exists.
NOBODY = -1
HOUR = 3600.0
DAY = 24 * HOUR


def chance_of(*seed: int | str) -> Chance:
    """Return numbers that look random and are the same for the same seed."""
    return Random("/".join(map(str, seed)))  # noqa: S311 - as above


class Place(NamedTuple):
    """Where a request comes from."""

    address: str
    agent: str

    @property
    def network(self) -> str:
        """Return the /24 around the address."""
        return self.address.rpartition(".")[0]


class Act(NamedTuple):
    """One thing that one person or program does at one moment."""

    at: float
    person: int
    verb: Verb
    place: Place
    # The question, the role that is given, or the name that is tried.
    what: str = ""
    # Whom it is done to, where that is somebody else.
    to: int = NOBODY
    # The incident that it belongs to; 0: nobody means harm.
    incident: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the organisation, or one of its programs, with habits."""

    index: int
    name: str
    role: str
    department: str
    is_program: bool = False
    has_totp: bool = False
    # Hours between UTC and the person's own clock.
    zone: float = 0.0
    starts: float = 9.0
    hours: float = 8.0
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    # The median of questions on a day of work, and how much it varies.
    volume: float = 12.0
    spread: float = 0.4
    places: tuple[Place, ...] = ()
    # The day from which on nothing is heard of the account; None: never.
    dormant_from: int | None = None
    # What is declared of a program, if anything is.
    declared: int | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """The label of one attack."""

    number: int
    kind: str
    strength: float
    has_mimicry: bool
    has_evasion: bool
    start: float
    end: float
    # Accounts that attack or are attacked, with the moments at which that happens, and
    # the networks that it comes from.
    people: Mapping[int, tuple[float, ...]]
    networks: frozenset[str]
    # Whether it is of a kind that rules are never tuned on.
    is_held_out: bool = False

    @property
    def is_loud(self) -> bool:
        """Whether it is strong and does not look like its victim."""
        return self.strength >= 1 and not self.has_mimicry

    @property
    def is_stealthy(self) -> bool:
        """Whether it is weak, or both looks like its victim and stays below limits."""
        return self.strength < 1 or (self.has_mimicry and self.has_evasion)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that happens in a drill, in the order of time."""

    seed: int
    start: datetime
    days: int
    people: tuple[Person, ...]
    acts: tuple[Act, ...]
    incidents: tuple[Incident, ...]
    # From which day on there are attacks; before it there is history only.
    history_days: int
    extra: Mapping[str, int] = field(default_factory=dict)

    @property
    def end(self) -> datetime:
        """Return the moment after the last day."""
        return self.start + timedelta(days=self.days)

    @property
    def scored_from(self) -> datetime:
        """Return the beginning of the time that is judged."""
        return self.start + timedelta(days=self.history_days)


def moment(at: float) -> datetime:
    """Return the moment that an act is at."""
    return datetime.fromtimestamp(at, tz=UTC)
