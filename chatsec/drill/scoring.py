"""What the rules found, compared with the labels."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import median
from typing import Final, NamedTuple

from chatsec.drill.model import Chance, Incident, Person

# An alert that comes later than this after the end of an attack has not found it.
GRACE: Final = timedelta(hours=24).total_seconds()
# A finding about nobody in particular is about an attack on more people than this.
MANY: Final = 5
# A request leaves its rows within so long after the moment of the act.
ANSWER_SECONDS: Final = 30.0


class Found(NamedTuple):
    """One alert: which rule, about whom or which network, and when it was made."""

    rule: str
    created: float
    person: int | None = None
    network: str | None = None
    # Between which moments lies what it was made of.
    first: float = -math.inf
    last: float = math.inf


def matches(found: Found, incident: Incident) -> bool:
    """Whether the alert is about this attack and in time."""
    if not incident.start <= found.created <= incident.end + GRACE:
        return False
    begun = found.first - ANSWER_SECONDS
    if begun > incident.end or found.last < incident.start:
        return False
    if found.person is not None:
        # Of many victims each is attacked at a moment of his own.
        moments = incident.people.get(found.person, ())
        return any(begun <= at <= found.last for at in moments)
    if found.network is not None:
        return found.network in incident.networks
    return len(incident.people) > MANY


class Share(NamedTuple):
    """So many of so many."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """Return the share, 0 of nothing."""
        return self.hits / self.total if self.total else 0.0

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """Return Wilson's interval (1927) around the share, of 95 percent."""
        n = self.total
        if not n:
            return 0.0, 1.0
        middle = (self.value + z * z / (2 * n)) / (1 + z * z / n)
        spread = math.sqrt(self.value * (1 - self.value) / n + z * z / (4 * n * n))
        reach = z * spread / (1 + z * z / n)
        return max(0.0, middle - reach), min(1.0, middle + reach)


NOTHING: Final = Share(0, 0)


@dataclass(slots=True)
class Result:
    """How one or more scenarios went."""

    # For each incident: when it was found, after its start, and by how many alerts.
    outcomes: list[tuple[Incident, float | None, int]] = field(default_factory=list)
    false_alerts: Counter[str] = field(default_factory=Counter)
    true_alerts: Counter[str] = field(default_factory=Counter)
    days: float = 0.0
    # Days times people, in units of 250 people.
    exposure: float = 0.0
    by_chance: Share = NOTHING

    def add(self, other: Result) -> None:
        """Add another scenario's."""
        self.outcomes += other.outcomes
        self.false_alerts += other.false_alerts
        self.true_alerts += other.true_alerts
        self.days += other.days
        self.exposure += other.exposure
        self.by_chance = Share(
            self.by_chance.hits + other.by_chance.hits,
            self.by_chance.total + other.by_chance.total,
        )

    def recall(self, wanted: Callable[[Incident], bool]) -> Share:
        """Return how many of the wanted incidents were found."""
        found = [
            at is not None for incident, at, _ in self.outcomes if wanted(incident)
        ]
        return Share(sum(found), len(found))

    @property
    def false_per_day(self) -> float:
        """Return false alerts for each day of 250 people."""
        return self.false_alerts.total() / self.exposure if self.exposure else 0.0

    def minutes_to_detect(self, wanted: Callable[[Incident], bool]) -> float | None:
        """Return the median of how long attacks that were found went on before."""
        times = [
            at / 60
            for incident, at, _ in self.outcomes
            if at is not None and wanted(incident)
        ]
        return median(times) if times else None

    @property
    def alerts_per_incident(self) -> float:
        """Return how many alerts an attack that was found made, on average."""
        counts = [count for _, at, count in self.outcomes if at is not None]
        return sum(counts) / len(counts) if counts else 0.0


def judge(
    incidents: Sequence[Incident],
    alerts: Iterable[Found],
    people: Sequence[Person],
    *,
    days: float,
    chance: Chance,
) -> Result:
    """Return what was found, what was not, and what was found that is not there."""
    found = list(alerts)
    result = Result(days=days)
    humans = sum(not person.is_program for person in people)
    result.exposure = days * humans / 250
    for incident in incidents:
        times = sorted(one.created for one in found if matches(one, incident))
        first = times[0] - incident.start if times else None
        result.outcomes.append((incident, first, len(times)))
    for one in found:
        is_true = any(matches(one, incident) for incident in incidents)
        (result.true_alerts if is_true else result.false_alerts)[one.rule] += 1
    result.by_chance = _by_chance(incidents, found, people, chance)
    return result


def _by_chance(
    incidents: Sequence[Incident],
    found: Sequence[Found],
    people: Sequence[Person],
    chance: Chance,
) -> Share:
    """Return the recall with each label put on somebody else: what luck alone finds.

    A label on half of the people means the same whoever they are, so attacks on many
    are left out.
    """
    incidents = [one for one in incidents if len(one.people) <= MANY]
    if not incidents:
        return Share(0, 0)
    hits = 0
    for incident in incidents:
        count = min(len(incident.people), len(people))
        others = [
            person.index for person in people if person.index not in incident.people
        ]
        chosen = chance.sample(others, min(count, len(others)))
        moments = zip(chosen, incident.people.values(), strict=False)
        moved = replace(incident, people=dict(moments), networks=frozenset())
        hits += any(matches(one, moved) for one in found)
    return Share(hits, len(incidents))


def by_kind(result: Result) -> Mapping[str, tuple[Share, Share]]:
    """Return for each kind how many loud and stealthy incidents were found."""
    kinds = sorted({incident.kind for incident, _, _ in result.outcomes})
    found: dict[str, tuple[Share, Share]] = {}
    for kind in kinds:
        found[kind] = (
            result.recall(lambda one, kind=kind: one.kind == kind and one.is_loud),  # type: ignore[misc]
            result.recall(lambda one, kind=kind: one.kind == kind and one.is_stealthy),  # type: ignore[misc]
        )
    return found


def by_strength(result: Result) -> Mapping[tuple[float, str], Share]:
    """Return how many were found of each strength, plain and disguised."""
    found: defaultdict[tuple[float, str], list[bool]] = defaultdict(list)
    for incident, at, _ in result.outcomes:
        found[incident.strength, _disguise(incident)].append(at is not None)
    return {key: Share(sum(hits), len(hits)) for key, hits in sorted(found.items())}


def _disguise(incident: Incident) -> str:
    if incident.has_mimicry:
        return "mimicry and evasion" if incident.has_evasion else "mimicry"
    return "evasion" if incident.has_evasion else "plain"
