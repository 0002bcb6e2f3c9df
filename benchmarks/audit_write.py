"""What evidence costs: a saved row against the same row with its audit events.

Beside it django-auditlog, which logs the changed fields of a model by itself (neither
redacted nor encrypted, and in the same transaction).
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final, Literal

from benchmarks import own_engines
from benchmarks.audit_saves import (
    DJANGOS,
    ONE,
    OURS,
    SEVERAL,
    Contenders,
    measured,
    pooled,
    prepared,
    say_spread,
)
from benchmarks.measure import report, say

# Of django-auditlog, on the one connection that it gets.
ROUNDS: Final = 400
# Where `make bench` puts what nothing of ours may import.
BASELINES: Final = Path(sys.prefix) / "baselines"


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.audit_write")


def _measure() -> None:
    with prepared() as contenders:
        _compare(contenders, title="durable", commit="on")
        _beside_another_library("on")
        _compare(contenders, title="no wait for the disk", commit="off")
        _beside_another_library("off")


def _compare(
    contenders: Contenders, *, title: str, commit: Literal["on", "off"]
) -> None:
    taken = measured(contenders, commit=commit)
    report(f"audited save, {title}", pooled(taken), baseline=DJANGOS)
    say_spread(taken, to=DJANGOS)
    ours = pooled(taken, *[name for name in contenders if name != DJANGOS])
    report(f"the same beside ours, {title}", ours, baseline=OURS)
    say_spread(taken, to=OURS)
    several = pooled(taken, ONE, SEVERAL)
    report(f"events of one request, {title}", several, baseline=ONE)


def _beside_another_library(commit: str) -> None:
    """Measure django-auditlog on the same server: its package has our app's name."""
    if not BASELINES.is_dir():
        say("\ndjango-auditlog is not there to compare with: `make bench` installs it")
        return
    from django.conf import settings

    database = {
        **settings.DATABASES["owner"],
        "ENGINE": "django.db.backends.postgresql",
    }
    database["OPTIONS"] = {
        "options": f"-c search_path=beside -c synchronous_commit={commit}"
    }
    script = Path(__file__).with_name("beside_auditlog.py")
    program = [sys.executable, str(script), str(BASELINES)]
    given = json.dumps({"database": database, "title": commit, "rounds": ROUNDS})
    subprocess.run(program, input=given, text=True, check=True)  # noqa: S603 - our own


if __name__ == "__main__":
    _measure()
