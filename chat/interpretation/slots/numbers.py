"""Money, percentages, counts, sale numbers and note texts."""

import re
from decimal import Decimal, InvalidOperation

from chat.interpretation.slots.canvas import Canvas

MAX_AMOUNT = Decimal(10**9)
MAX_TOP = 100
MAX_SALE_ID = 2**31 - 1
MAX_NOTE = 1000

_UNITS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS = {word: value for value, word in enumerate(_UNITS.split(), start=1)}
NUMBER_WORDS |= {
    word: value for value, word in zip(range(30, 100, 10), _TENS.split(), strict=True)
}
_SCALES = {
    "k": 10**3,
    "m": 10**6,
    "grand": 10**3,
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
}
_FIGURE = r"\d{1,3}(?:[,'.]\d{3})+(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?"
_WORDS = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_MONEY = (
    rf"(?:(?P<figure>{_FIGURE})(?:\s?(?P<scale>k|m|grand|hundred|thousand|million))?"
    rf"|(?P<word>\ba|{_WORDS})\s(?P<word_scale>hundred|thousand|million|grand))"
)
_SIGN = r"[$€£]|\b(?:usd|eur|gbp)\b"
_UNIT = r"[$€£]|(?:usd|eur|gbp|dollars?|euros?|pounds?|bucks)\b"
_END = r"(?![\d%]|[.,]\d|\s?(?:%|percent|per cent|pct))"
_CUE = (
    r"\b(?:(?:discounts?|rebates?|reductions?|markdowns?|deductions?|price cuts?"
    r"|concessions?|amounts?|request)"
    r"(?:\s(?:of|for|by|to|at|worth|request(?:ed)?))*:?"
    r"|above|over|more than|at least|under|below|less than|exceeding|greater than"
    r"|larger than|bigger than|worth|by"
    r"|(?:approve|grant|allow|authori[sz]e|confirm|accept|give)(?:\s(?:a|the|him|her"
    r"|them))?|knock)\s"
)
_AMOUNTS = (
    re.compile(rf"(?:{_SIGN})\s?{_MONEY}{_END}"),
    re.compile(rf"(?<![\w.,]){_MONEY}\s?(?:{_UNIT})"),
    re.compile(rf"{_CUE}{_MONEY}\b{_END}"),
    re.compile(
        rf"(?<![\w.,#]){_MONEY}(?=\s(?:off\b|(?:discount|rebate|reduction|markdown)))"
    ),
    re.compile(r"(?<![\w.,#])(?P<figure>\d{1,6}(?:[.,]\d{1,2})?)\s?(?P<scale>k)\b"),
)
_PERCENT = re.compile(
    r"(?<![\w.,])(?P<figure>\d{1,3}(?:[.,]\d{1,2})?)\s?(?:%|percent\b|per cent\b|pct\b)"
)
_SALE = re.compile(
    r"\b(?:sale|order|deal|invoice|transaction|purchase)\s"
    r"(?P<marked>(?:no\.?|number|nr\.?|id|with (?:the )?(?:id|number))?\s?#?)\s?"
    r"(?P<figure>\d{1,10})\b(?![.,]\d)|(?P<hash>#)\s?(?P<hashed>\d{1,10})\b"
)
_COUNT = rf"(?P<count>\d{{1,4}}|{_WORDS})"
_PERIOD = r"(?:days?|weeks?|months?|quarters?|years?|hours?|minutes?|percent|%)"
_RANK = (
    r"(?:top|best|worst|bottom|leading|biggest|largest|highest|lowest|smallest|latest"
    r"|newest|strongest|weakest|most|least|last|first|recent|fastest|slowest)"
)
_TOPS = (
    re.compile(rf"\b{_RANK}[\s-]{_COUNT}\b(?!\s{_PERIOD})"),
    re.compile(rf"(?<![\w.,#]){_COUNT}\s(?:[a-z]{{1,12}}[\s-])?{_RANK}\b"),
    re.compile(
        rf"\b(?:show|list|name|give|get)\s(?:me\s)?(?:the\s|our\s|any\s)?{_COUNT}\s"
        rf"(?!{_PERIOD})(?=[a-z])"
    ),
)
_PRONOUN = re.compile(r"\b(?:which|number|no|that|this|the|each|any|every)\s$")
_NOTE_WRITING = re.compile(
    r"\b(?:add|write|store|keep|document|save|record|leave|take|attach|log|put|make|enter|create|new|jot"
    r"|append|pin|drop|file|please|note for|note that|note to|note down|note on|note)\b"
    r".{0,80}\b(?:notes?|comments?|remarks?|memos?|down|sale|deal|order)\b|^note\b"
)
_NOTE_TEXT = re.compile(r'"(?P<quoted>[^"]{1,1000})"|:\s(?P<after>\S.{0,999})')


def lift_note(canvas: Canvas) -> None:
    """Take the words of a note: what is quoted or stands after the colon."""
    match = _NOTE_TEXT.search(canvas.text)
    if match is None:
        return
    around = canvas.lower[: match.start()] + canvas.lower[match.end() :]
    if not _NOTE_WRITING.search(around):
        return
    kind = "quoted" if match["quoted"] else "after"
    value = match[kind].strip()
    if value:
        canvas.lift(*match.span(kind), {"note": value[:MAX_NOTE]})


def lift_sale(canvas: Canvas) -> None:
    """Take the number of a sale ("order #5521"); a bare year is not one."""
    for match in _SALE.finditer(canvas.lower):
        kind = "hashed" if match["hash"] else "figure"
        value = int(match[kind])
        is_marked = bool(match["hash"] or match["marked"])
        if not 1 <= value <= MAX_SALE_ID or (2000 <= value <= 2100 and not is_marked):
            continue
        canvas.lift(*match.span(kind), {"sale_id": value})


def lift_percent(canvas: Canvas) -> None:
    """Take a percentage above 0, 100 at most."""
    for match in _PERCENT.finditer(canvas.lower):
        value = _plain(_decimal(match["figure"]))
        if 0 < value <= 100:
            canvas.lift(*match.span(), {"percent": value})


def lift_amounts(canvas: Canvas) -> None:
    """Take sums of money: with a currency, or after a word that wants one."""
    for position, pattern in enumerate(_AMOUNTS):
        for match in pattern.finditer(canvas.lower):
            _lift_amount(canvas, match, has_currency=position < 2)


def _lift_amount(canvas: Canvas, match: re.Match[str], *, has_currency: bool) -> None:
    groups = match.groupdict()
    kind = "figure" if groups["figure"] else "word"
    start, end = match.span(kind)
    scale = groups.get("scale") or groups.get("word_scale")
    if scale:
        end = match.end("scale" if groups.get("scale") else "word_scale")
    if has_currency:
        start, end = match.span()
    value = _decimal(groups["figure"]) if groups["figure"] else _word_value(match)
    value *= _SCALES.get(scale or "", 1)
    is_year = not has_currency and not scale and 2000 <= value <= 2100
    if is_year and not match.group().startswith(("discount", "rebate", "reduction")):
        return
    if 0 < value <= MAX_AMOUNT and canvas.is_free(start, end):
        canvas.lift(start, end, {"amount": _plain(value)})


def lift_counts(canvas: Canvas) -> None:
    """Take how many rows are asked for ("top 5", "the five best"), 100 at most."""
    for pattern in _TOPS:
        for match in pattern.finditer(canvas.lower):
            count = match["count"]
            value = NUMBER_WORDS.get(count) or int(count)
            if count == "one" and _PRONOUN.search(canvas.lower[: match.start()]):
                continue
            if 1 <= value <= MAX_TOP and canvas.is_free(*match.span("count")):
                canvas.lift(*match.span("count"), {"top_n": value})


def _word_value(match: re.Match[str]) -> Decimal:
    return Decimal(NUMBER_WORDS.get(match["word"], 1))


def _decimal(figure: str) -> Decimal:
    """Read 1,200.50 and 1.200,50 alike: a group of three digits is thousands."""
    cents = re.search(r"[.,](\d{1,2})$", figure)
    whole = figure[: cents.start()] if cents else figure
    digits = re.sub(r"[,'.]", "", whole)
    try:
        return Decimal(f"{digits}.{cents[1] if cents else 0}")
    except InvalidOperation:  # digits of another script that \d lets through
        return Decimal(0)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
