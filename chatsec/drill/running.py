"""Whole drills: one scenario after the other, each in a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.utils import timezone

from chatsec.drill import arena, playing, watching
from chatsec.drill.bulk import digest
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

    def score(self, seeds: Iterable[int]) -> Scores:
        """Return how the rules did on these seeds."""
        template = arena.prepare()
        total = Scores(rule_hash=watching.rule_hash())
        self.say(f"rules {total.rule_hash}")
        with arena.copy_of(template, "lessons"):
            shapes = playing.learn(self.until - timedelta(days=43))
        by_use: dict[Use, list[int]] = {"tuning": [], "scoring": []}
        for seed in seeds:
            by_use[use_of(seed)].append(seed)
        for use, chosen in by_use.items():
            if not chosen:
                continue
            plan = self.choice.plan(use)
            with arena.copy_of(template, "staffed") as staffed:
                # The same people for each seed: hired once.
                start = self.until - timedelta(days=plan.days)
                people = populate(plan.make, chosen[0])
                accounts = playing.hire_for_rows(people, start=start)
                for seed in chosen:
                    with arena.copy_of(staffed, "seed"):
                        made = make_scenario(seed, plan, until=self.until)
                        self._add(total, made, shapes, accounts)
        return total

    def _add(
        self,
        total: Scores,
        scenario: Scenario,
        shapes: Shapes,
        accounts: Sequence[Account],
    ) -> None:
        began = monotonic()
        rows = playing.play_in_bulk(scenario, shapes, accounts)
        played = monotonic() - began
        scans = watching.watch(scenario, watching.rules(), every=self.every)
        found = watching.alerts(accounts, _networks(scenario), scenario)
        total.rules.add(_judged(scenario, found))
        floor = watching.floor_names()
        total.floor.add(_judged(scenario, [one for one in found if one.rule in floor]))
        self.say(
            f"seed {scenario.seed}: {rows} events in {played:.0f} s, {scans} scans in"
            f" {monotonic() - began - played:.0f} s, {len(found)} alerts"
        )


def drill(*, minutes: int, say: Say, choice: Choice = ALL) -> Drill:
    """Return drills that end last midnight, with rules that run so often."""
    until = last_midnight(timezone.now())
    return Drill(until, timedelta(minutes=minutes), say, choice)


def replay(seed: int, plan: Plan, *, until: datetime) -> tuple[Scenario, list[Account]]:
    """Play a scenario through the API in a database of its own."""
    template = arena.prepare()
    with arena.copy_of(template, "replay"):
        scenario = make_scenario(seed, plan, until=until)
        return scenario, playing.play_by_api(scenario)


def _judged(scenario: Scenario, found: list[Found]) -> Result:
    return judge(
        scenario.incidents,
        found,
        scenario.people,
        days=scenario.days - scenario.history_days,
        chance=chance_of(scenario.seed, "shuffled"),
    )


def _networks(scenario: Scenario) -> dict[bytes, str]:
    """Return the networks of a scenario by what stands for them in its rows."""
    names = {act.place.network for act in scenario.acts}
    return {digest("network", name): name for name in names}
