"""Quarters, years, months and ranges of days, absolute or relative to a day."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from chat.interpretation.result import SlotValue
from chat.interpretation.slots.canvas import Canvas
from chat.interpretation.slots.numbers import NUMBER_WORDS
from chat.interpretation.vocabulary import COMMON_WORDS

FIRST_YEAR, LAST_YEAR = 2000, 2100
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3}
_ORDINALS |= {"fourth": 4, "4th": 4, "final": 4, "one": 1, "two": 2, "three": 3}
_ORDINALS |= {"four": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WHICH = "last|previous|prior|past|this|current|running|present|next|coming"
_YEAR = r"(?:20\d\d|2100)"
_OF_YEAR = (
    rf"(?:\s?(?:,|of|in|for|/|-)?\s?(?:the\s)?(?:(?:fy|fiscal(?:\syear)?|year)\s?)?"
    rf"(?P<year>{_YEAR})\b|\s?[/']\s?(?P<short>\d\d)\b"
    rf"|\s(?:of\s|in\s)?(?:the\s)?(?P<which_year>{_WHICH})\s(?:fiscal\s)?year\b)?"
)
_NOT_DIGIT = r"(?![\d])"
_POINTS = re.compile(
    "|".join(
        (
            rf"\b(?P<iso>20\d\d-\d\d?-\d\d?){_NOT_DIGIT}",
            r"\b(?P<dotted>\d\d?\.\d\d?\.20\d\d)\b",
            (
                rf"\b(?P<d1>\d\d?)(?:st|nd|rd|th)?\s(?:of\s)?(?P<m1>{_MONTH})\b\.?"
                rf"(?:,?\s(?P<y1>{_YEAR})\b)?"
            ),
            (
                rf"\b(?P<m2>{_MONTH})\b\.?\s(?P<d2>\d\d?)(?:st|nd|rd|th)?\b"
                rf"(?:,?\s(?P<y2>{_YEAR})\b)?"
            ),
            rf"\b(?:(?P<poss_which>{_WHICH})\syear(?:'s)?\s)?"
            r"(?:q\s?-?(?P<q1>[1-4])\b|(?P<q2>[1-4])q\b"
            r"|quarter\s(?:no\.?\s|number\s)?(?P<q3>[1-4]|one|two|three|four)\b"
            r"|(?P<q4>first|1st|second|2nd|third|3rd|fourth|4th|final)\squarter\b)"
            + _OF_YEAR,
            rf"\b(?:(?P<poss_year>{_YEAR})\s)q(?P<q5>[1-4])\b",
            rf"\b(?P<which_quarter>{_WHICH})\s(?:fiscal\s|business\s)?quarter\b",
            rf"\b(?P<which_month>{_WHICH})\smonth\b",
            rf"\b(?P<which_only>{_WHICH})\s(?:fiscal\s|business\s|calendar\s)?year\b",
            rf"\b(?P<month>{_MONTH})\b\.?"
            + _OF_YEAR.replace("<year>", "<my>")
            .replace("<short>", "<ms>")
            .replace("<which_year>", "<mw>"),
            (
                rf"(?<![\w.,#$])(?:fy\s?'?|fiscal\s(?:year\s)?|')?(?P<plain>{_YEAR})\b"
                r"(?![.,]\d)"
            ),
            r"\bfy\s?'?(?P<fy>\d\d)\b",
            r"\b(?P<day>yesterday|today)\b",
        )
    )
)
_ROLLING = re.compile(
    r"\b(?:(?:in|over|during|within|for)\s)?(?:the\s)?(?:last|past|previous|latest)\s"
    rf"(?P<count>\d{{1,4}}|{'|'.join(NUMBER_WORDS)})\s"
    r"(?P<unit>days?|weeks?|months?|quarters?|years?)\b"
)
_WEEK = re.compile(rf"\b(?P<which>{_WHICH})\sweek\b")
_TO_DATE = re.compile(
    r"\b(?:year[\s-]to[\s-]date|ytd|since the (?:beginning|start) of the year)\b"
)
_RANGE_OPEN = re.compile(r"\b(?:from|between)\s(?:the\s)?$")
_SINCE = re.compile(r"\b(?:since|after|starting(?:\sin|\sfrom)?)\s(?:the\s)?$")
_UNTIL = re.compile(r"\b(?:until|till|before|up to|through)\s(?:the\s)?$")
_JOIN = re.compile(r"\s?(?:to|until|till|through|and|-)\s?(?:the\s)?")
_ON_DAY = re.compile(r"\b(?:on|of|for|in)\s(?:the\s)?$")
_MAY_BEFORE = re.compile(r"\b(?:in|for|of|since|until|from|to|and|by|last|this)\s$")
_SURNAME = re.compile(r"'s\s(?!sale|revenue|result|figure|number)|\s([A-Z][a-z]+)\b")
_DAYS = {"d": 1, "w": 7}
_MONTHS_IN = {"m": 1, "q": 3, "y": 12}


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, and the slots that name them where some do."""

    start: int
    end: int
    first: date
    last: date
    slots: dict[str, SlotValue]
    has_year: bool = True


def lift_dates(canvas: Canvas, at: date) -> None:
    """Take every period; `at` is the day that "last quarter" is counted from."""
    _lift_rolling(canvas, at)
    periods = list(_periods(canvas, at))
    position = 0
    while position < len(periods):
        pair = periods[position : position + 2]
        if len(pair) == 2 and _is_range(canvas, *pair):
            _lift_range(canvas, *pair)
            position += 2
            continue
        _lift_single(canvas, pair[0])
        position += 1


def _lift_rolling(canvas: Canvas, at: date) -> None:
    for match in _ROLLING.finditer(canvas.lower):
        count = NUMBER_WORDS.get(match["count"]) or int(match["count"])
        first = _back(at, count, match["unit"][0])
        if first is not None:
            canvas.lift(*match.span(), _between(first, at))
    for match in _WEEK.finditer(canvas.lower):
        monday = at - timedelta(days=at.weekday()) + timedelta(weeks=_step(match))
        canvas.lift(*match.span(), _between(monday, monday + timedelta(days=6)))
    for match in _TO_DATE.finditer(canvas.lower):
        canvas.lift(*match.span(), _between(date(at.year, 1, 1), at))


def _step(match: re.Match[str]) -> int:
    return _offset(match["which"])


def _offset(which: str) -> int:
    if which in ("last", "previous", "prior", "past"):
        return -1
    return 1 if which in ("next", "coming") else 0


def _back(at: date, count: int, unit: str) -> date | None:
    """Return the day `count` units before, or None outside the bounds."""
    if unit in _DAYS:
        days = count * _DAYS[unit]
        first = at - timedelta(days=days) if days < 36600 else None
    else:
        year, month = divmod(at.year * 12 + at.month - 1 - count * _MONTHS_IN[unit], 12)
        is_inside = FIRST_YEAR <= year <= LAST_YEAR
        first = date(year, month + 1, min(at.day, 28)) if is_inside else None
    return first if first and first.year >= FIRST_YEAR else None


def _periods(canvas: Canvas, at: date) -> Iterator[Period]:
    for match in _POINTS.finditer(canvas.lower):
        try:
            period = _period(canvas, match, at)
        except ValueError:  # 31 February, month 13
            continue
        if period is not None and _is_inside(period):
            yield period


def _is_inside(period: Period) -> bool:
    return period.first.year >= FIRST_YEAR and period.last.year <= LAST_YEAR


def _period(canvas: Canvas, match: re.Match[str], at: date) -> Period | None:
    groups = {name: value for name, value in match.groupdict().items() if value}
    if groups.keys() & {"iso", "dotted", "d1", "d2", "day"}:
        return _day(match, groups, at)
    quarter = next((groups[f"q{n}"] for n in range(1, 6) if f"q{n}" in groups), None)
    if quarter is not None:
        return _quarter(match, groups, at, _ORDINALS[quarter])
    if "month" in groups:
        return _month(canvas, match, groups, at)
    return _relative(match, groups, at)


def _day(match: re.Match[str], groups: dict[str, str], at: date) -> Period:
    if "iso" in groups:
        year, month, day = (int(part) for part in groups["iso"].split("-"))
    elif "dotted" in groups:
        day, month, year = (int(part) for part in groups["dotted"].split("."))
    elif "day" in groups:
        moved = at - timedelta(days=groups["day"] == "yesterday")
        year, month, day = moved.year, moved.month, moved.day
    else:
        kind = "1" if "d1" in groups else "2"
        day, month = int(groups[f"d{kind}"]), _MONTHS[groups[f"m{kind}"]]
        year = int(groups.get(f"y{kind}", at.year))
        on = date(year, month, day)
        return Period(*match.span(), on, on, _between(on, on), f"y{kind}" in groups)
    on = date(year, month, day)
    return Period(*match.span(), on, on, _between(on, on))


def _named_year(groups: dict[str, str], at: date) -> int | None:
    for name in ("year", "my", "poss_year", "plain"):
        if name in groups:
            return int(groups[name])
    for name in ("short", "ms", "fy"):
        if name in groups:
            return 2000 + int(groups[name])
    for name in ("which_year", "mw", "poss_which", "which_only"):
        if name in groups:
            return at.year + _offset(groups[name])
    return None


def _quarter(
    match: re.Match[str], groups: dict[str, str], at: date, quarter: int
) -> Period:
    year = _named_year(groups, at)
    slots: dict[str, SlotValue] = {"quarter": quarter}
    if year is not None:
        slots["year"] = year
    first, last = _quarter_days(year or at.year, quarter)
    return Period(*match.span(), first, last, slots, year is not None)


def _month(
    canvas: Canvas, match: re.Match[str], groups: dict[str, str], at: date
) -> Period | None:
    name, year = groups["month"], _named_year(groups, at)
    before = canvas.lower[: match.start()]
    if year is None and _is_first_name(canvas, match.end("month")):
        return None
    # "may" and "march" are verbs too, "mar", "sep", "dec" could be anything.
    if name in ("may", "march", "mar") and year is None:
        is_name = canvas.text[match.start()].isupper() and not canvas.text.isupper()
        is_dated = _MAY_BEFORE.search(before) is not None
        if not is_dated and not (is_name and before.strip()):
            return None
    number = _MONTHS[name]
    slots: dict[str, SlotValue] = {"month": number}
    if year is not None:
        slots["year"] = year
    first, last = _month_days(year or at.year, number)
    return Period(*match.span(), first, last, slots, year is not None)


def _is_first_name(canvas: Canvas, end: int) -> bool:
    """Whether a surname or a possessive follows: "April Jones", "June's salary"."""
    surname = _SURNAME.match(canvas.text, end)
    if surname is None:
        return False
    return surname[1] is None or surname[1].lower() not in COMMON_WORDS


def _relative(match: re.Match[str], groups: dict[str, str], at: date) -> Period:
    if "which_quarter" in groups:
        index = at.year * 4 + (at.month - 1) // 3 + _offset(groups["which_quarter"])
        year, quarter = index // 4, index % 4 + 1
        days = _quarter_days(year, quarter)
        return Period(*match.span(), *days, {"quarter": quarter, "year": year})
    if "which_month" in groups:
        index = at.year * 12 + at.month - 1 + _offset(groups["which_month"])
        year, month = index // 12, index % 12 + 1
        days = _month_days(year, month)
        return Period(*match.span(), *days, {"month": month, "year": year})
    year = _named_year(groups, at) or at.year
    return Period(*match.span(), date(year, 1, 1), date(year, 12, 31), {"year": year})


def _quarter_days(year: int, quarter: int) -> tuple[date, date]:
    return date(year, quarter * 3 - 2, 1), _month_days(year, quarter * 3)[1]


def _month_days(year: int, month: int) -> tuple[date, date]:
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), following - timedelta(days=1)


def _between(first: date, last: date) -> dict[str, SlotValue]:
    return {"date_from": first.isoformat(), "date_to": last.isoformat()}


def _is_range(canvas: Canvas, left: Period, right: Period) -> bool:
    """Whether "from A to B" or "between A and B" stands here, not "A and B"."""
    joint = canvas.lower[left.end : right.start]
    if not _JOIN.fullmatch(joint):
        return False
    is_open = _RANGE_OPEN.search(canvas.lower[: left.start]) is not None
    return is_open or ("and" not in joint and bool(joint.strip()))


def _lift_range(canvas: Canvas, left: Period, right: Period) -> None:
    """Take a range of days; a year said once counts for both ends."""
    first, last = left.first, right.last
    if right.has_year and not left.has_year:
        first = _in_year(first, last.year if first.month <= last.month else None)
    elif left.has_year and not right.has_year:
        last = _in_year(last, first.year + (last.month < first.month))
    if first <= last:
        canvas.lift(left.start, right.end, _between(first, last))
        return
    _lift_single(canvas, left)
    _lift_single(canvas, right)


def _in_year(day: date, year: int | None) -> date:
    if year is None:
        return day
    return day.replace(year=year, day=min(day.day, 28) if day.month == 2 else day.day)


def _lift_single(canvas: Canvas, period: Period) -> None:
    before = canvas.lower[: period.start]
    if _SINCE.search(before):
        slots: dict[str, SlotValue] = {"date_from": period.first.isoformat()}
    elif _UNTIL.search(before):
        slots = {"date_to": period.last.isoformat()}
    else:
        slots = period.slots
    canvas.lift(period.start, period.end, slots)
