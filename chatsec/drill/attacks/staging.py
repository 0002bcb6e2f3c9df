"""What every attack needs: a stage to act on, and a label at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chatsec.drill.model import (
    HOUR,
    NOBODY,
    Act,
    Chance,
    Incident,
    Person,
    Place,
    Verb,
)
from chatsec.drill.population import AGENTS


@dataclass(slots=True)
class Stage:
    """One attack in the making. Strength 1 is what an analyst would call plain."""

    number: int
    kind: str
    strength: float
    has_mimicry: bool
    has_evasion: bool
    # Midnight (UTC) of the day on which it begins.
    midnight: float
    people: Sequence[Person]
    chance: Chance
    is_held_out: bool = False
    # The networks that it comes from, where signing in does not tell.
    networks: frozenset[str] = frozenset()
    acts: list[Act] = field(default_factory=list)

    def times(self, count: float) -> int:
        """Return how many times something happens at this strength."""
        return max(1, round(count * self.strength))

    def act(  # noqa: PLR0913 - one for each field of an act
        self,
        at: float,
        person: int,
        verb: Verb,
        place: Place,
        what: str = "",
        *,
        to: int = NOBODY,
    ) -> None:
        """Do one thing that belongs to this attack."""
        self.acts.append(Act(at, person, verb, place, what, to, self.number))

    def working_hour(self, person: Person) -> float:
        """Return a moment at which the person would be at work anyhow."""
        start = self.midnight + (person.starts - person.zone) * HOUR
        return start + self.chance.uniform(0.1, 0.5) * person.hours * HOUR

    def dead_of_night(self, person: Person) -> float:
        """Return a moment at which the person sleeps."""
        return self.midnight + (2.0 - person.zone + self.chance.uniform(0, 2)) * HOUR

    def start(self, person: Person) -> float:
        """Return when it begins: with mimicry while its victim works."""
        if self.has_mimicry:
            return self.working_hour(person)
        return self.midnight + self.chance.uniform(0, 20) * HOUR

    def hostile_network(self) -> str:
        """Return a network that nobody of the organisation uses."""
        chance = self.chance
        return f"45.{chance.randint(1, 250)}.{chance.randint(1, 250)}"

    def hostile_place(self, network: str = "", agent: str = "") -> Place:
        """Return a place in a hostile network, with some browser."""
        host = self.chance.randint(2, 250)
        agent = agent or self.chance.choice((*AGENTS, "python-requests/2.32"))
        return Place(f"{network or self.hostile_network()}.{host}", agent)

    def read(
        self, person: Person, place: Place, asked: Iterable[tuple[float, str]]
    ) -> None:
        """Ask these questions at these moments, signing in again after pauses."""
        last = None
        for at, what in asked:
            if last is None or at - last > 1500:
                self.act(at, person.index, "sign_in", place)
            self.act(at + 3, person.index, "ask", place, what)
            last = at

    def incident(self, *, until: float) -> Incident:
        """Return the label of what was done until then."""
        involved: defaultdict[int, list[float]] = defaultdict(list)
        for act in self.acts:
            for person in {act.person, act.to} - {NOBODY}:
                involved[person].append(act.at)
        hostile = {
            act.place.network
            for act in self.acts
            if act.verb in ("wrong_password", "wrong_code", "sign_in", "key_ask")
        }
        return Incident(
            number=self.number,
            kind=self.kind,
            strength=self.strength,
            has_mimicry=self.has_mimicry,
            has_evasion=self.has_evasion,
            start=min(act.at for act in self.acts),
            end=min(until, max(act.at for act in self.acts)),
            people={who: tuple(times) for who, times in involved.items()},
            networks=self.networks or frozenset(hostile),
            is_held_out=self.is_held_out,
        )


Attack = Callable[[Stage], None]
Victims = Callable[[Person], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of attack: who can be its victim, and what happens."""

    name: str
    victims: Victims
    attack: Attack
    # How many days it needs before the scenario ends.
    days: int = 1
    # Whether rules are never tuned on it.
    is_held_out: bool = False


def spread(start: float, count: int, hours: float, chance: Chance) -> list[float]:
    """Return moments in order, unevenly spread over some hours."""
    step = hours * HOUR / count
    return [start + step * (each + chance.uniform(0.1, 0.9)) for each in range(count)]


def people_with(*roles: str) -> Victims:
    """Return what is true of active people with one of the roles."""

    def has_role(person: Person) -> bool:
        active = person.dormant_from is None and not person.is_program
        return active and person.role in roles

    return has_role
