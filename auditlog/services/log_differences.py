"""Which differences between log and seals somebody has explained, one by one.

Known is exactly the difference that was explained: this fault at this seal or event,
with these bytes there now. Anything else is new, however much is known beside it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from auditlog.models import Incident, LogDifference
from auditlog.services.verification import Finding
from chatsec.core.crypto import blind_index
from chatsec.core.errors import Conflict, Invalid, Json

Mark = Literal["found", "known", "untold"]
# An incident tells of so many at a time one by one; what is beyond comes again.
MOST_TOLD: Final = 1_000
LOOKED_UP: Final = 1_000
# What stands before the faults of which an incident cannot tell one by one.
UNTOLD: Final = "untold_"


def unknown(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that nobody has explained."""
    findings = list(findings)
    some = (findings[at : at + LOOKED_UP] for at in range(0, len(findings), LOOKED_UP))
    return [each for part in some for each in _unknown(part)]


class Told(NamedTuple):
    """Of how many an incident did not tell so far, and what it cannot tell of."""

    new: int
    left: list[Finding]


def tell_of(incident: Incident, findings: Iterable[Finding], *, now: datetime) -> Told:
    """Have the incident tell of these, one by one as far as that goes.

    Call it with what is unknown. What stands there without a mark that fits was told
    by nobody.
    """
    rows = incident.differences.filter(known_mark=None)
    told = {row.line for row in rows if _is_marked("found", row)}
    findings = list(findings)
    lines = dict.fromkeys(_line(each) for each in findings if each.state)
    news = [line for line in lines if line not in told][: max(0, MOST_TOLD - len(told))]
    LogDifference.objects.bulk_create(
        [_told(incident, line, now=now) for line in news],
        update_conflicts=True,
        unique_fields=["incident", "line"],
        update_fields=["found_at", "found_mark", "known_mark"],
    )
    told.update(news)
    left = [each for each in findings if not each.state or _line(each) not in told]
    return Told(len(news), left)


def _told(incident: Incident, line: str, *, now: datetime) -> LogDifference:
    mark = _mark("found", incident.pk, line)
    return LogDifference(
        incident=incident, line=line, found_at=now, found_mark=mark, known_mark=None
    )


def note_untold(incident: Incident, untold: Mapping[str, int]) -> dict[str, Json]:
    """Return facts that say how many of each fault the incident cannot tell of."""
    counts = {f"{UNTOLD}{fault}": count for fault, count in sorted(untold.items())}
    mark = _mark("untold", incident.pk, repr(counts)).hex()
    return {**counts, "mark": mark} if counts else {}


def noted_untold(incident: Incident, facts: Json) -> dict[str, int]:
    """Return what such facts say; nothing if somebody else wrote them."""
    if not isinstance(facts, dict):
        return {}
    counts = {
        name.removeprefix(UNTOLD): count
        for name, count in facts.items()
        if name.startswith(UNTOLD) and isinstance(count, int)
    }
    mark = note_untold(incident, counts).get("mark")
    return counts if mark == facts.get("mark") else {}


def explain(incident: Incident, *, seen: int | None, reason: str) -> int:
    """Make known what the incident tells of; return how many differences that is.

    Call it while the incident is held. `seen` is of how many the one who explains them
    was told: if there are more by now it is a Conflict. Without it nothing is known.
    """
    rows = list(incident.differences.filter(known_mark=None))
    if not rows or seen is None:
        return 0
    if seen != len(rows):
        raise Conflict(
            f"This incident tells of {len(rows)} differences by now: look again.",
            code="incident_grew",
            differences=len(rows),
        )
    if not reason:
        problem = "Say what explains the differences: they are not reported again."
        raise Invalid("Some fields are not valid.", fields={"note": [problem]})
    explained = [row for row in rows if _is_marked("found", row)]
    for row in explained:
        row.known_mark = _mark("known", incident.pk, row.line)
    LogDifference.objects.bulk_update(explained, ["known_mark"], batch_size=LOOKED_UP)
    return len(explained)


def _unknown(findings: Sequence[Finding]) -> list[Finding]:
    lines = [_line(each) for each in findings]
    rows = LogDifference.objects.filter(line__in=lines, known_mark__isnull=False)
    known = {row.line for row in rows if _is_marked("known", row)}
    return [each for each in findings if _line(each) not in known]


def _line(found: Finding) -> str:
    where = f"seal {found.seal}" if found.seal is not None else "no seal"
    event = f" event {found.event_id}" if found.event_id else ""
    says = f" ({found.says})" if found.says else ""
    return f"{found.fault} {where}{event}{says} {found.state.hex()}"


def _mark(what: Mark, incident_id: UUID, line: str) -> bytes:
    return blind_index(f"log difference {what}", f"{incident_id} {line}")


def _is_marked(what: Mark, row: LogDifference) -> bool:
    mark = row.found_mark if what == "found" else row.known_mark
    expected = _mark(what, row.incident_id, row.line)
    return mark is not None and hmac.compare_digest(bytes(mark), expected)
