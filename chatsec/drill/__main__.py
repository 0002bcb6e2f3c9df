"""Drills in a process of their own, which `manage.py drill` starts."""

from __future__ import annotations

import json
import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatsec.drill.scenario import Choice


def parser(into: ArgumentParser | None = None) -> ArgumentParser:
    """Return the arguments that the command and this process understand."""
    into = into or ArgumentParser(prog="drill")
    into.add_argument("what", choices=("generate", "replay", "score"))
    into.add_argument("--seeds", default="1", help="such as 1-3 or 1,4 (1)")
    into.add_argument(
        "--every", type=int, default=30, help="minutes between scans (30)"
    )
    into.add_argument("--people", type=int, default=20, help="of a replay (20)")
    into.add_argument("--days", type=int, default=3, help="of a replay (3)")
    into.add_argument("--benign", action="store_true", help="leave out all attacks")
    into.add_argument("--kinds", default="", help="of attack, such as a,b (all)")
    into.add_argument(
        "--held-out", action="store_true", help="allow --kinds that no rule is made for"
    )
    into.add_argument(
        "--organisation",
        choices=("tuning", "other"),
        help="of people (what the seed is for)",
    )
    into.add_argument("--jobs", type=int, default=1, help="seeds at a time (1)")
    into.add_argument(
        "--keep", type=Path, help="keep rows in this folder and use them again"
    )
    into.add_argument("--missed", action="store_true", help="list what was not found")
    into.add_argument("--json", action="store_true", help="print JSON only")
    return into


def seeds_in(text: str) -> list[int]:
    """Return the seeds that a text such as `1-3,7` names."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main(arguments: Sequence[str]) -> None:
    """Do what the arguments say."""
    options = parser().parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsec.settings")
    import django  # noqa: PLC0415 - once the settings are chosen

    django.setup()
    # Thousands of refused sign-ins are what a drill is made of.
    logging.disable(logging.WARNING)
    from chatsec.drill.scenario import UnknownKind  # noqa: PLC0415 - needs settings

    work = {"generate": _generate, "replay": _replay, "score": _score}[options.what]
    try:
        work(options)
    except UnknownKind as error:
        sys.exit(str(error))


def _generate(options: Namespace) -> None:
    from django.utils import timezone  # noqa: PLC0415 - needs settings

    from chatsec.drill.scenario import (  # noqa: PLC0415 - as above
        last_midnight,
        make_scenario,
        use_of,
    )

    choice = _choice(options)
    for seed in seeds_in(options.seeds):
        plan = choice.plan(use_of(seed))
        made = make_scenario(seed, plan, until=last_midnight(timezone.now()))
        verbs = Counter(act.verb for act in made.acts)
        _say(f"seed {seed}: {len(made.people)} people, {len(made.acts)} acts")
        _say("  " + ", ".join(f"{n} {verb}" for verb, n in verbs.most_common()))
        for incident in made.incidents:
            _say(f"  {incident.number} {incident.kind} {incident.strength:g}")


def _replay(options: Namespace) -> None:
    from django.utils import timezone  # noqa: PLC0415 - needs settings

    from chatsec.drill.population import Make  # noqa: PLC0415 - as above
    from chatsec.drill.running import replay  # noqa: PLC0415 - as above
    from chatsec.drill.scenario import (  # noqa: PLC0415 - as above
        Plan,
        last_midnight,
        plan_for,
    )

    make = Make(size=options.people, programs=1, dormant=2)
    kinds = () if options.benign else plan_for("tuning").kinds
    plan = Plan(make, kinds, options.days + 1, 1, loud=1, stealthy=0)
    for seed in seeds_in(options.seeds):
        scenario, _ = replay(seed, plan, until=last_midnight(timezone.now()))
        _say(f"seed {seed}: {len(scenario.acts)} acts through the API")


def _score(options: Namespace) -> None:
    from chatsec.drill import report  # noqa: PLC0415 - needs settings
    from chatsec.drill.running import Drill, until_now  # noqa: PLC0415 - as above

    drill = Drill(
        until_now(),
        timedelta(minutes=options.every),
        _tell,
        _choice(options),
        options.jobs,
        options.keep,
    )
    scores = drill.score(seeds_in(options.seeds))
    if options.json:
        found = {
            "rules": report.as_json(scores.rules),
            "floor": report.as_json(scores.floor),
            "hash": scores.rule_hash,
        }
        _say(json.dumps(found, indent=2))
        return
    _say(f"rules {scores.rule_hash}")
    for name, result in (("All rules", scores.rules), ("The four alone", scores.floor)):
        _say(f"\n## {name}\n")
        _say("\n".join(report.as_text(result)))
    if options.missed:
        _say("\n".join(report.missed(scores.rules)))


def _choice(options: Namespace) -> Choice:
    from chatsec.drill.scenario import Choice  # noqa: PLC0415 - needs settings

    return Choice(
        kinds=tuple(name for name in options.kinds.split(",") if name),
        organisation=options.organisation,
        is_quiet=options.benign,
        knows_held_out=options.held_out,
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _tell(text: str) -> None:
    """Show how far it is, beside what the result is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
