"""A scenario from a seed: the organisation, its ordinary days, and the attacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from chatsec.drill.attacks.staging import Kind, Stage
from chatsec.drill.model import DAY, Act, Chance, Incident, Person, Scenario, chance_of
from chatsec.drill.ordinary import Calendar, ordinary_acts
from chatsec.drill.population import OTHER, SCORING, TUNING, Make, populate

TUNING_SEEDS: Final = range(1, 21)
# And every one after it: each score takes seeds that nobody has seen.
FIRST_SCORING_SEED: Final = 1001
Use = Literal["tuning", "scoring"]
Organisation = Literal["tuning", "other"]
ORGANISATIONS: Final[Mapping[Organisation, Make]] = {"tuning": TUNING, "other": OTHER}
# Strength, mimicry, evasion: what each kind is played with, in turn.
LOUD: Final = ((1.0, False, False), (2.0, False, False), (4.0, False, False))
STEALTHY: Final = (
    (0.25, False, False),
    (0.5, False, False),
    (1.0, True, True),
    (0.5, True, True),
    (2.0, True, True),
    (0.5, False, True),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How big a scenario is."""

    make: Make
    kinds: tuple[Kind, ...]
    days: int = 42
    history_days: int = 28
    loud: int = 2
    stealthy: int = 2

    def quiet(self) -> Plan:
        """Return the same without any attack, and four weeks of it to be judged."""
        return Plan(self.make, (), self.days, self.days - 28, 0, 0)


def plan_for(use: Use) -> Plan:
    """Return the plan of tuning, or of scoring with the kinds that nobody has seen."""
    from chatsec.drill.attacks import tuning  # noqa: PLC0415 - as below

    if use == "tuning":
        return Plan(TUNING, tuning.KINDS)
    # Not at the top: who tunes never loads it.
    from chatsec.drill.attacks import held_out  # noqa: PLC0415

    kinds = (replace(kind, is_held_out=True) for kind in held_out.KINDS)
    return Plan(SCORING, (*tuning.KINDS, *kinds))


class UnknownKind(ValueError):
    """There is no such kind of attack, or none that may be asked for."""


def with_kinds(plan: Plan, names: Sequence[str], sources: Sequence[Use]) -> Plan:
    """Return the plan with the kinds of these names only.

    Who tunes may leave kinds out to see what rules find that they were not made for,
    but never choose those that nobody tunes on.
    """
    known = {kind.name: kind for use in sources for kind in plan_for(use).kinds}
    missing = [name for name in names if name not in known]
    if missing:
        raise UnknownKind(
            f"No kind {', '.join(missing)} (held-out kinds need --held-out);"
            f" there are {', '.join(known)}."
        )
    return replace(plan, kinds=tuple(known[name] for name in names))


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a plan is asked for; scoring as published leaves all as it is."""

    # Names of kinds; empty: all of them.
    kinds: tuple[str, ...] = ()
    organisation: Organisation | None = None
    is_quiet: bool = False
    # Whether kinds that are held out may be named.
    knows_held_out: bool = False

    def plan(self, use: Use) -> Plan:
        """Return the plan of what was chosen."""
        plan = plan_for(use)
        if self.kinds:
            sources: tuple[Use, ...] = ("scoring",) if self.knows_held_out else ()
            plan = with_kinds(plan, self.kinds, ("tuning", *sources))
        if self.organisation:
            plan = replace(plan, make=ORGANISATIONS[self.organisation])
        return plan.quiet() if self.is_quiet else plan


def use_of(seed: int) -> Use:
    """Return what a seed is for; nothing is scored on what was tuned on."""
    return "scoring" if seed >= FIRST_SCORING_SEED else "tuning"


def last_midnight(now: datetime) -> datetime:
    """Return the moment at which scenarios end: nothing is ever in the future."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def make_scenario(seed: int, plan: Plan, *, until: datetime) -> Scenario:
    """Return the scenario; the same for the same seed, plan and end."""
    start = until - timedelta(days=plan.days)
    people = populate(plan.make, seed)
    calendar = Calendar(start, plan.days)
    acts = list(ordinary_acts(people, calendar, seed))
    incidents: list[Incident] = []
    for stage in _stages(seed, plan, people, start):
        acts += stage.acts
        incidents.append(stage.incident(until=until.timestamp()))
    inside = (start.timestamp(), until.timestamp() - 60)
    kept = sorted(act for act in acts if inside[0] <= act.at < inside[1])
    return Scenario(
        seed, start, plan.days, people, tuple(kept), tuple(incidents), plan.history_days
    )


def _stages(
    seed: int, plan: Plan, people: Sequence[Person], start: datetime
) -> Iterator[Stage]:
    """Yield each attack, acted out, on victims of its own where there are enough."""
    taken: set[int] = set()
    number = 0
    for kind in plan.kinds:
        chance = chance_of(seed, "attacks", kind.name)
        for strength, mimicry, evasion in _variants(seed, plan, kind):
            number += 1
            last = plan.days - plan.history_days - kind.days - 1
            day = plan.history_days + chance.randint(0, max(0, last))
            stage = Stage(
                number,
                kind.name,
                strength,
                mimicry,
                evasion,
                (start + timedelta(days=day)).timestamp(),
                _cast(kind, people, taken, chance),
                chance,
                is_held_out=kind.is_held_out,
            )
            _settle_day(stage, is_early=day < (plan.days + plan.history_days) // 2)
            kind.attack(stage)
            yield stage


def _variants(seed: int, plan: Plan, kind: Kind) -> list[tuple[float, bool, bool]]:
    """Return the strengths of a kind, which take turns over seeds and kinds."""
    first = seed + sum(map(ord, kind.name))
    loud = [LOUD[(first + n) % len(LOUD)] for n in range(plan.loud)]
    quiet = [STEALTHY[(first + n) % len(STEALTHY)] for n in range(plan.stealthy)]
    return loud + quiet


def _cast(
    kind: Kind, people: Sequence[Person], taken: set[int], chance: Chance
) -> list[Person]:
    """Return the people of an attack: a fresh victim first, then the others."""
    possible = [person for person in people if kind.victims(person)]
    fresh = [person for person in possible if person.index not in taken] or possible
    if not fresh:
        raise ValueError(f"{kind.name}: the organisation is too small for a victim")
    first = chance.choice(fresh)
    taken.add(first.index)
    others = [person for person in possible if person is not first]
    chance.shuffle(others)
    admins = [person for person in people if person.role == "admin"]
    chance.shuffle(admins)
    return [first, *others, *admins]


def _settle_day(stage: Stage, *, is_early: bool) -> None:
    """Move who imitates the victim to a day on which the victim works."""
    victim = stage.people[0]
    for _ in range(7):
        weekday = datetime.fromtimestamp(stage.midnight, tz=UTC).weekday()
        if not stage.has_mimicry or weekday in victim.weekdays:
            return
        stage.midnight += DAY if is_early else -DAY


def acts_of(scenario: Scenario, incident: Incident) -> list[Act]:
    """Return what belongs to an incident."""
    return [act for act in scenario.acts if act.incident == incident.number]
