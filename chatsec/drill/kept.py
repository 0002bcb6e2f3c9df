"""What scenarios leave in the audit log, kept in files to be judged again.

People are numbers in it, so that it fits any installation; what rules made of it before
is not part of it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from chatsec.drill.model import Incident, Scenario
from chatsec.drill.population import populate
from chatsec.drill.scenario import Plan

# What decides which lines a seed has; what the API writes decides too, see the manual.
MAKERS: Final = "[!_]*.py"
# Fast; the lines are much alike and shrink to a tenth all the same.
LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A scenario without its acts, and what they leave: labels, networks, lines."""

    scenario: Scenario
    networks: tuple[str, ...]
    columns: tuple[str, ...]
    lines: Iterable[str]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The files of one plan; those of another plan, day or drill have other names."""

    directory: Path
    plan: Plan
    until: datetime

    def has(self, seed: int) -> bool:
        """Whether the seed is kept."""
        return self._path(seed).exists()

    def put(self, made: Kept) -> None:
        """Keep it; until all of it is written there is nothing."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self._path(made.scenario.seed)
        unfinished = path.with_suffix(".new")
        head = {
            "columns": made.columns,
            "networks": made.networks,
            "incidents": [_as_json(each) for each in made.scenario.incidents],
        }
        with gzip.open(unfinished, "wt", compresslevel=LEVEL) as file:
            file.write(json.dumps(head) + "\n")
            file.writelines(made.lines)
        unfinished.rename(path)

    def take(self, seed: int) -> Kept:
        """Return what was kept; its lines are read as they are asked for."""
        lines = self._lines(seed)
        head = json.loads(next(lines))
        plan = self.plan
        scenario = Scenario(
            seed,
            self.until - timedelta(days=plan.days),
            plan.days,
            populate(plan.make, seed),
            (),
            tuple(_incident(each) for each in head["incidents"]),
            plan.history_days,
        )
        return Kept(scenario, tuple(head["networks"]), tuple(head["columns"]), lines)

    def _lines(self, seed: int) -> Iterator[str]:
        with gzip.open(self._path(seed), "rt") as file:
            yield from file

    def _path(self, seed: int) -> Path:
        plan = self.plan
        kinds = [(kind.name, kind.days) for kind in plan.kinds]
        size = plan.days, plan.history_days, plan.loud, plan.stealthy
        digest = sha256(repr((plan.make, kinds, size, self.until)).encode())
        root = Path(__file__).parent
        for path in sorted((*root.glob(MAKERS), *root.glob(f"attacks/{MAKERS}"))):
            digest.update(path.read_bytes())
        return self.directory / f"seed-{seed}-{digest.hexdigest()[:12]}.gz"


def _as_json(incident: Incident) -> dict[str, Any]:
    return {**asdict(incident), "networks": sorted(incident.networks)}


def _incident(given: dict[str, Any]) -> Incident:
    people = {int(who): tuple(times) for who, times in given["people"].items()}
    networks = frozenset(given["networks"])
    return Incident(**{**given, "people": people, "networks": networks})
