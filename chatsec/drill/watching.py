"""The detection rules at work over the time of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Final

from django.db import connection

from chatsec.drill.clock import moved
from chatsec.drill.model import Scenario
from chatsec.drill.scoring import Found
from chatsec.drill.staff import Account

Scan = Callable[[datetime], object]
# The one entry by which rules run; its rules are nobody's business here.
ENTRY: Final = "auditlog.services.detection"
LEARNING: Final = timedelta(hours=1)


def watch(scenario: Scenario, scan: Scan, *, every: timedelta) -> int:
    """Let the rules run over the judged days, so often; return how often they did."""
    count = 0
    with moved(scenario.scored_from.timestamp()) as clock:
        for now in _moments(scenario, every):
            clock.move_to(now.timestamp())
            scan(now)
            count += 1
    return count


def rules() -> Scan:
    """Return what learns what is usual and runs the rules, as often as beat at most."""
    entry = import_module(ENTRY)
    learned: datetime | None = None

    def scan(now: datetime) -> None:
        nonlocal learned
        if learned is None or now - learned >= LEARNING:
            entry.refresh_baselines(now=now)
            learned = now
        entry.run_rules(now=now)

    return scan


def floor_names() -> frozenset[str]:
    """Return the names of the reference chapter's four rules."""
    return frozenset(import_module("auditlog.rules").FLOOR)


def alerts(
    accounts: Sequence[Account], networks: Mapping[bytes, str], scenario: Scenario
) -> list[Found]:
    """Return the alerts of the judged days, in the words of the scenario."""
    indexes = {account.pseudonym: account.person.index for account in accounts}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM auditlog_alert WHERE created_at >= %s ORDER BY created_at",
            [scenario.scored_from],
        )
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [
        Found(
            rule=str(row.get("rule") or row.get("rule_id")),
            created=row["created_at"].timestamp(),
            first=row["first_at"].timestamp(),
            last=row["last_at"].timestamp(),
            person=indexes.get(row["actor_pseudonym"], _SOMEBODY)
            if row["actor_pseudonym"]
            else None,
            network=networks.get(bytes(row["group_hash"]), "elsewhere")
            if row.get("group_hash")
            else None,
        )
        for row in rows
    ]


def rule_hash() -> str:
    """Return a digest of what is judged: the rows of the rules and the code of them."""
    digest = sha256()
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT name, kind, parameters::text, window_seconds, "group", risk,'
            " is_enabled FROM auditlog_detectionrule ORDER BY name"
        )
        digest.update(repr(cursor.fetchall()).encode())
    root = Path(str(import_module("auditlog").__file__)).parent
    for place in ("rules", "services/detection"):
        for path in sorted((root / place).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# Somebody who is in no scenario, such as whoever gave the lessons.
_SOMEBODY: Final = -2


def _moments(scenario: Scenario, every: timedelta) -> Iterator[datetime]:
    now = scenario.scored_from
    while now < scenario.end:
        now += every
        yield now
