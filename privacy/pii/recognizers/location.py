"""Coordinates."""

from privacy.pii.labels import Label
from privacy.pii.recognizers import words
from privacy.pii.rules import Candidate, Rule, cued, rule


def _score_pair(found: Candidate) -> float:
    parts = [
        part.strip(" ()[]°NSEWnsew")
        for part in found.value.replace(";", ",").split(",")
    ]
    try:
        latitude, longitude = (float(part) for part in parts)
    except ValueError:
        return 0.0
    if abs(latitude) > 90 or abs(longitude) > 180:
        return 0.0
    precise = all(len(part.partition(".")[2]) >= 4 for part in parts)
    if found.is_near(words.GEO):
        return 0.9
    return 0.8 if precise else 0.0


_DEGREES = r"-?\d{1,3}\.\d{1,10}[ ]?°?[ ]?"

RULES: tuple[Rule, ...] = (
    rule(
        Label.GEO,
        rf"(?<![\w.,-]){_DEGREES}[NSns]?[ ]?[,;][ ]?{_DEGREES}[EWew]?(?![\w.]*\d)",
        _score_pair,
        probe=r"\d\.\d+[ °NSns]*[,;]",
    ),
    rule(
        Label.GEO,
        r"(?<![\w.])\d{1,2}(?:\.\d+)?°[ ]?(?:\d{1,2}['′]"  # noqa: RUF001
        r"[ ]?(?:\d{1,2}(?:\.\d+)?[\"″][ ]?)?)?"
        r"[NSns][ ,;]{1,2}\d{1,3}(?:\.\d+)?°[ ]?(?:\d{1,2}['′]"  # noqa: RUF001
        r"[ ]?(?:\d{1,2}(?:\.\d+)?"
        r"[\"″][ ]?)?)?[EWew]",
        0.95,
        probe=r"°",
    ),
    cued(
        Label.GEO,
        r"lat|latitude|lng|lon|longitude",
        r"-?\d{1,3}\.\d{2,12}",
    ),
    rule(Label.GEO, r"(?i)(?<![\w])geo:-?\d{1,2}\.\d+,-?\d{1,3}\.\d+", 0.95),
)
