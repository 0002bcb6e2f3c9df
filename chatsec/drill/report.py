"""A result as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chatsec.core.errors import Json
from chatsec.drill.model import Incident
from chatsec.drill.scoring import Result, Share, by_kind, by_strength


def as_json(result: Result) -> dict[str, Json]:
    """Return the whole result in plain values."""
    kinds: dict[str, Json] = {
        kind: {"loud": _share(loud), "stealthy": _share(stealthy)}
        for kind, (loud, stealthy) in by_kind(result).items()
    }
    return {
        "loud": _share(result.recall(is_loud)),
        "stealthy": _share(result.recall(is_stealthy)),
        "held_out": {
            "loud": _share(result.recall(is_loud_and_held_out)),
            "stealthy": _share(result.recall(is_stealthy_and_held_out)),
        },
        "false_alerts_per_day_per_250": round(result.false_per_day, 3),
        "days": result.days,
        "minutes_to_detect_loud": result.minutes_to_detect(is_loud),
        "minutes_to_detect_stealthy": result.minutes_to_detect(is_stealthy),
        "alerts_per_incident": round(result.alerts_per_incident, 2),
        "recall_by_chance": _share(result.by_chance),
        "kinds": kinds,
        "strengths": {
            f"{strength} {disguise}": _share(share)
            for (strength, disguise), share in by_strength(result).items()
        },
        "false_by_rule": {**result.false_alerts},
        "true_by_rule": {**result.true_alerts},
    }


def as_text(result: Result) -> Iterator[str]:
    """Yield the lines of a Markdown report."""
    yield f"- loud incidents found: {_text(result.recall(is_loud))}"
    yield f"- stealthy incidents found: {_text(result.recall(is_stealthy))}"
    yield from held_out_lines(result)
    yield (
        f"- false alerts: {result.false_alerts.total()} in {result.days:g} days,"
        f" {result.false_per_day:.2f} a day for 250 people"
    )
    minutes = _minutes(result, is_loud), _minutes(result, is_stealthy)
    yield f"- median minutes to detect: loud {minutes[0]}, stealthy {minutes[1]}"
    yield f"- alerts for each incident that was found: {result.alerts_per_incident:.1f}"
    yield f"- found with labels shuffled: {_text(result.by_chance)}"
    yield ""
    yield "| kind | loud | stealthy |"
    yield "|---|---|---|"
    held_out = {one.kind for one, _, _ in result.outcomes if one.is_held_out}
    for kind, (plain, hidden) in by_kind(result).items():
        mark = " (held out)" if kind in held_out else ""
        yield f"| {kind}{mark} | {_text(plain)} | {_text(hidden)} |"
    yield ""
    yield "| strength | disguise | found |"
    yield "|---|---|---|"
    for (strength, disguise), share in by_strength(result).items():
        yield f"| {strength:g} | {disguise} | {_text(share)} |"
    yield ""
    yield "| rule | true | false |"
    yield "|---|---|---|"
    for rule in sorted({*result.true_alerts, *result.false_alerts}):
        yield f"| {rule} | {result.true_alerts[rule]} | {result.false_alerts[rule]} |"


def held_out_lines(result: Result) -> Iterator[str]:
    """Yield what was found of the kinds that no rule was tuned on, if there are any."""
    loud = result.recall(is_loud_and_held_out)
    stealthy = result.recall(is_stealthy_and_held_out)
    if loud.total:
        yield f"- loud incidents of held-out kinds found: {_text(loud)}"
    if stealthy.total:
        yield f"- stealthy incidents of held-out kinds found: {_text(stealthy)}"


def missed(result: Result) -> Iterator[str]:
    """Yield a line for each incident that nothing was found of."""
    for incident, at, _ in result.outcomes:
        if at is None:
            yield (
                f"{incident.kind} strength {incident.strength:g}"
                f" mimicry {incident.has_mimicry:d} evasion {incident.has_evasion:d}"
                f" {(incident.end - incident.start) / 3600:.1f} h"
            )


def is_loud(incident: Incident) -> bool:
    """Whether it is a loud one."""
    return incident.is_loud


def is_stealthy(incident: Incident) -> bool:
    """Whether it is a stealthy one."""
    return incident.is_stealthy


def is_loud_and_held_out(incident: Incident) -> bool:
    """Whether it is a loud one of a kind that no rule was tuned on."""
    return incident.is_loud and incident.is_held_out


def is_stealthy_and_held_out(incident: Incident) -> bool:
    """Whether it is a stealthy one of a kind that no rule was tuned on."""
    return incident.is_stealthy and incident.is_held_out


def _share(share: Share) -> Json:
    low, high = share.interval()
    return {
        "found": share.hits,
        "of": share.total,
        "share": round(share.value, 4),
        "from": round(low, 4),
        "to": round(high, 4),
    }


def _text(share: Share) -> str:
    if not share.total:
        return "-"
    low, high = share.interval()
    return f"{share.hits}/{share.total} = {share.value:.0%} ({low:.0%} to {high:.0%})"


def _minutes(result: Result, wanted: Callable[[Incident], bool]) -> str:
    found = result.minutes_to_detect(wanted)
    return "-" if found is None else f"{found:.0f}"
