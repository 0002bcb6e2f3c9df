"""Whole drills: each scenario in a database of its own, some of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Final

from django.utils import timezone

from chatsec.drill import arena, playing, watching
from chatsec.drill.bulk import digest
from chatsec.drill.kept import Kept, Shelf
from chatsec.drill.model import Scenario, chance_of
from chatsec.drill.population import populate
from chatsec.drill.scenario import (
    Choice,
    Plan,
    Use,
    last_midnight,
    make_scenario,
    use_of,
)
from chatsec.drill.scoring import Found, Result, judge
from chatsec.drill.shapes import Shapes
from chatsec.drill.staff import Account

Say = Callable[[str], None]
ALL: Final = Choice()


@dataclass(slots=True)
class Scores:
    """Results of all rules, and of the four of the reference chapter alone."""

    # Of the rules, taken before the first of them ran.
    rule_hash: str = ""
    rules: Result = field(default_factory=Result)
    floor: Result = field(default_factory=Result)


@dataclass(frozen=True, slots=True)
class Drill:
    """How drills are run: until when, how often rules run, and who hears of it."""

    until: datetime
    every: timedelta = timedelta(minutes=30)
    say: Say = print
    choice: Choice = ALL
    # How many seeds are judged at a time.
    jobs: int = 1
    # Where rows are kept, to be judged again; None: they are made anew.
    keep: Path | None = None

    def score(self, seeds: Iterable[int]) -> Scores:
        """Return how the rules did on these seeds."""
        template = arena.prepare()
        total = Scores(rule_hash=watching.rule_hash())
        self.say(f"rules {total.rule_hash}")
        by_use: dict[Use, list[int]] = {"tuning": [], "scoring": []}
        for seed in seeds:
            by_use[use_of(seed)].append(seed)
        shapes: Shapes | None = None
        for use, chosen in by_use.items():
            if not chosen:
                continue
            plan = self.choice.plan(use)
            shelf = Shelf(self.keep, plan, self.until) if self.keep else None
            if not shapes and not (shelf and all(map(shelf.has, chosen))):
                with arena.copy_of(template, "lessons"):
                    shapes = playing.learn(self.until - timedelta(days=43))
            with arena.copy_of(template, "staffed") as staffed:
                # The same people for each seed: hired once.
                start = self.until - timedelta(days=plan.days)
                people = populate(plan.make, chosen[0])
                accounts = playing.hire_for_rows(people, start=start)
                court = Court(self, plan, staffed, shapes, accounts, shelf)
                for judged in self._in_turn(court, chosen):
                    total.rules.add(judged.rules)
                    total.floor.add(judged.floor)
                    self.say(judged.note)
        return total

    def _in_turn(self, court: Court, seeds: Sequence[int]) -> Iterator[Judged]:
        """Yield each seed's result in their order, however many are at work."""
        if self.jobs == 1 or len(seeds) == 1:
            yield from map(court.judge, seeds)
            return
        arena.let_go()
        # Forked, so that the court need not be sent.
        fork = get_context("fork")
        with ProcessPoolExecutor(
            self.jobs, fork, initializer=_sit, initargs=(court,)
        ) as workers:
            yield from workers.map(_judge, seeds)


@dataclass(frozen=True, slots=True)
class Judged:
    """How one seed went."""

    rules: Result
    floor: Result
    note: str


@dataclass(frozen=True, slots=True)
class Court:
    """All that one process needs to play a seed and to judge what the rules find."""

    drill: Drill
    plan: Plan
    staffed: str
    shapes: Shapes | None
    accounts: Sequence[Account]
    shelf: Shelf | None

    def judge(self, seed: int) -> Judged:
        """Return how the rules did on the seed, in a database of its own."""
        began = monotonic()
        with arena.copy_of(self.staffed, f"seed_{seed}"):
            made = self._rows(seed)
            rows = playing.fill(made.lines, made.columns, self.accounts)
            played = monotonic() - began
            every = self.drill.every
            scans = watching.watch(made.scenario, watching.rules(), every=every)
            networks = {digest("network", name): name for name in made.networks}
            found = watching.alerts(self.accounts, networks, made.scenario)
        floor = watching.floor_names()
        return Judged(
            _judged(made.scenario, found),
            _judged(made.scenario, [one for one in found if one.rule in floor]),
            f"seed {seed}: {rows} events in {played:.0f} s, {scans} scans in"
            f" {monotonic() - began - played:.0f} s, {len(found)} alerts",
        )

    def _rows(self, seed: int) -> Kept:
        """Return what the seed leaves, kept from before or made now."""
        if self.shelf is None:
            return self._made(seed)
        if not self.shelf.has(seed):
            self.shelf.put(self._made(seed))
        return self.shelf.take(seed)

    def _made(self, seed: int) -> Kept:
        if self.shapes is None:
            raise ValueError("nothing was learned to make rows of")
        scenario = make_scenario(seed, self.plan, until=self.drill.until)
        networks = sorted({act.place.network for act in scenario.acts})
        lines = playing.lines_of(scenario, self.shapes)
        return Kept(scenario, tuple(networks), self.shapes.columns, lines)


# The court of this process, where there are several.
_courts: Final[list[Court]] = []


def _sit(court: Court) -> None:
    _courts[:] = [court]


def _judge(seed: int) -> Judged:
    return _courts[0].judge(seed)


def replay(seed: int, plan: Plan, *, until: datetime) -> tuple[Scenario, list[Account]]:
    """Play a scenario through the API in a database of its own."""
    template = arena.prepare()
    with arena.copy_of(template, "replay"):
        scenario = make_scenario(seed, plan, until=until)
        return scenario, playing.play_by_api(scenario)


def until_now() -> datetime:
    """Return the moment at which drills end: last midnight."""
    return last_midnight(timezone.now())


def _judged(scenario: Scenario, found: list[Found]) -> Result:
    return judge(
        scenario.incidents,
        found,
        scenario.people,
        days=scenario.days - scenario.history_days,
        chance=chance_of(scenario.seed, "shuffled"),
    )
