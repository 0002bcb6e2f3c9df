"""Person names: name lists and cues propose, a small tagger judges."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from privacy.pii.gazetteer import fold, names, word_set, words
from privacy.pii.labels import Label, Span
from privacy.pii.tagger import get_tagger, units

TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_KNOWN = "*known*"  # the folded form of a word that is surely no name
_REACH = 10  # words a side that the tagger reads
_JOINT = re.compile(r"\.? ?(?:[A-Z]\. ?)?|, ")
_PARTICLES = word_set(
    "de da do dos das del della di van von der den ten ter la le el al bin ibn "
    "bint zu zum zur y e of"
) - {"of", "e", "la", "le", "el", "ten"}
_TITLES = word_set(
    "mr mrs ms miss mx dr prof professor sir madam herr frau senor senora "
    "monsieur mme madame signor signora dott sra sr doctor nurse"
)
_RELATIONS = word_set(
    "sister brother wife husband mother father mom mum dad son daughter "
    "colleague boss friend partner cousin uncle aunt girlfriend boyfriend "
    "spouse fiance fiancee neighbor neighbour supervisor nephew niece "
    "grandmother grandfather roommate coworker teammate schwester bruder frau "
    "mann chef kollege kollegin soeur frere mari femme hermana hermano esposa "
    "esposo sorella fratello moglie marito stepson stepdaughter kid child baby "
    "patient"
)
_NAME_WORDS = word_set(
    "name named namens heisse heise firstname lastname surname forename "
    "fullname llamo appelle chiamo nombre nom nome ich-heisse"
)
_CLOSINGS = word_set("regards sincerely cheers thanks thx best gruesse grusse")
_WEAK_CUES = word_set(
    "i'm am contact employee customer client hi hello hey dear ask tell email "
    "call meet attn with from by for of to and cc signed salary employee user "
    "manager rep about hired fired promoted is told met says said wrote asked "
    "report reports owner applicant candidate guest member tenant student "
    "teacher recipient sender beneficiary cardholder holder driver author"
)
_ORG_AFTER = word_set(
    "inc ltd llc corp corporation company co gmbh ag plc group holdings bank "
    "university college school hospital clinic institute museum church airport "
    "station hotel street st avenue ave road rd lane drive court region team "
    "department office building project center centre award act law method "
    "foundation county city valley beach island river lake river's bridge park "
    "square tower prize theorem & score index server cluster database stadium "
    "brothers motors airlines election syndrome university's conference fund "
    "association partners capital"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text, with its folded form."""

    text: str
    start: int
    end: int
    folded: str

    @property
    def is_title(self) -> bool:
        """Tell whether it is written like a name: Jane, O'Neil, McKay, Anne-Marie."""
        return self.text[0].isupper() and not self.is_upper

    @property
    def is_upper(self) -> bool:
        """Tell whether all of it is capitals."""
        return len(self.text) > 1 and self.text.isupper()


def tokenise(text: str) -> list[Token]:
    """Return the words that are not part of an identifier, path or address."""
    tokens = [
        Token(word, match.start(), match.end(), fold(word.removesuffix("'s")))
        for match in TOKEN.finditer(text)
        for word in [match.group()]
    ]
    return _mark_known_phrases(tokens)


@cache
def _phrases() -> dict[str, tuple[tuple[str, ...], ...]]:
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for line in words("known_phrases"):
        phrase = tuple(line.split())
        found[phrase[0]] = (*found.get(phrase[0], ()), phrase)
    return found


def _mark_known_phrases(tokens: list[Token]) -> list[Token]:
    """Give the words of company and place names a form that no list has."""
    phrases = _phrases()
    for index, token in enumerate(tokens):
        for phrase in phrases.get(token.folded, ()):
            part = tokens[index : index + len(phrase)]
            if tuple(one.folded for one in part) == phrase:
                tokens[index : index + len(phrase)] = [
                    replace(one, folded=_KNOWN) for one in part
                ]
    return tokens


@cache
def _ambiguous() -> frozenset[str]:
    ordinary = words("ambiguous_names") | words("common_words") | words("plain_words")
    return ordinary & names()


@cache
def _stop() -> frozenset[str]:
    return words("stop_words") - words("ambiguous_names")


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring tokens that may be one name, by position in the token list."""

    first: int
    last: int


def find_people(text: str) -> Iterator[Span]:
    """Yield the stretches of text that name a person."""
    tokens = tokenise(text)
    runs = list(_propose(text, tokens))
    if not runs:
        return
    certainty = _judge(text, tokens, runs)
    for run in runs:
        score = _score(text, tokens, run, certainty)
        if score > 0:
            yield _span(text, tokens, run, score)


def _propose(text: str, tokens: list[Token]) -> Iterator[Run]:
    """Yield runs of words that could be names, longest first at each place."""
    position = 0
    while position < len(tokens):
        if not _can_be_name(text, tokens, position):
            position += 1
            continue
        last = _extend(text, tokens, position)
        yield Run(position, last)
        position = last + 1


def _is_part_of_identifier(text: str, token: Token) -> bool:
    before = text[token.start - 1 : token.start]
    after = text[token.end : token.end + 1]
    if before and (before in "_@\\#$&%~^*" or before.isdigit()):
        return True
    if after and (after in "_@\\=(" or after.isdigit()):
        return True
    following = text[token.end + 1 : token.end + 2]
    if after in {"/", ".", ":"} and following and not following.isspace():
        return after != ":" or not following.isupper()
    preceding = text[token.start - 2 : token.start - 1]
    return before in {"/", ".", "-"} and bool(preceding) and not preceding.isspace()


def _can_be_name(text: str, tokens: list[Token], position: int) -> bool:
    token = tokens[position]
    if token.folded in _stop() or token.folded == _KNOWN or len(token.text) < 2:
        return False
    if not token.text[0].isupper():
        return _is_lower_name(text, tokens, position)
    if token.is_upper and (token.folded not in names() or len(token.text) < 3):
        return False
    known = token.folded in names()
    if not known and token.folded in words("common_words"):
        return _strong_cue(text, tokens, position) > 0
    return not _is_part_of_identifier(text, token)


def _is_lower_name(text: str, tokens: list[Token], position: int) -> bool:
    token = tokens[position]
    if token.folded in words("common_words"):
        return False
    if token.folded in _ambiguous():
        return _has_lower_surname(text, tokens, position)
    if token.folded not in names():
        return _strong_cue(text, tokens, position) == 2 and not _is_part_of_identifier(
            text, token
        )
    return not _is_part_of_identifier(text, token)


def _has_lower_surname(text: str, tokens: list[Token], position: int) -> bool:
    """Tell whether an ambiguous first name has a plain last name beside it."""
    if position + 1 >= len(tokens) or tokens[position].folded in words("plain_words"):
        return False
    following = tokens[position + 1]
    return (
        text[tokens[position].end : following.start] == " "
        and tokens[position].folded in words("first_names")
        and following.text.islower()
        and following.folded in words("last_names")
        and following.folded not in _ambiguous()
        and following.folded not in _stop()
    )


def _extend(text: str, tokens: list[Token], position: int) -> int:
    """Return the last token of the name that begins here."""
    last = position
    lower = not tokens[position].text[0].isupper()
    while last + 1 < len(tokens) and last - position < 4:
        between = text[tokens[last].end : tokens[last + 1].start]
        following = tokens[last + 1]
        if not _JOINT.fullmatch(between) or "\n" in between:
            break
        if "," in between and not _is_reversed(text, tokens, position, last + 1):
            break
        if following.folded in _PARTICLES and last + 2 < len(tokens):
            reach = _past_particles(text, tokens, last + 1)
            if reach and tokens[reach].text[0].isupper() != lower:
                last = reach
                continue
        if not _continues(text, tokens, last + 1, lower=lower):
            break
        last += 1
    return last


def _past_particles(text: str, tokens: list[Token], position: int) -> int:
    """Return the token after the particles, or 0 if they lead nowhere."""
    while position < len(tokens) and tokens[position].folded in _PARTICLES:
        gap = text[tokens[position].end : tokens[position].end + 1]
        position += 1
        if gap != " ":
            return 0
    return position if position < len(tokens) else 0


def _is_reversed(text: str, tokens: list[Token], first: int, second: int) -> bool:
    """Tell whether "Smith, Jane" stands here: a last name, then a first name."""
    last, given = tokens[first].folded, tokens[second].folded
    if second != first + 1 or last not in words("last_names"):
        return False
    if given not in words("first_names"):
        return False
    before = text[: tokens[first].start].rstrip(" ")[-1:]
    after = text[tokens[second].end :].lstrip(" ")
    # "Alice, Bob and Carol" are three people.
    return before != "," and not after.startswith((",", "and ", "or ", "&", "und "))


def _continues(text: str, tokens: list[Token], position: int, *, lower: bool) -> bool:
    token = tokens[position]
    refused = token.folded in _stop() or token.folded == _KNOWN
    if refused or _is_part_of_identifier(text, token):
        return False
    if lower:
        return token.text.islower() and (
            token.folded in names() and token.folded not in words("common_words")
        )
    if not token.text[0].isupper():
        return False
    if len(token.text) == 1:
        return text[token.end : token.end + 1] == "."
    if len(tokens[position - 1].text) == 1:
        return True  # "John Q. Public": what follows an initial is a name
    if token.is_upper and (
        not tokens[position - 1].is_upper or token.folded not in names()
    ):
        return False
    return token.folded in names() or token.folded not in words("common_words")


def _before(text: str, tokens: list[Token], position: int) -> str:
    """Return the folded word just before, unless a sentence ends between."""
    if position == 0:
        return ""
    between = text[tokens[position - 1].end : tokens[position].start]
    if len(between) > 3 or "\n\n" in between or any(c in between for c in ";!?|"):
        return ""
    if "." in between and tokens[position - 1].folded not in _TITLES:
        return ""
    return tokens[position - 1].folded


def _strong_cue(text: str, tokens: list[Token], position: int) -> int:
    """Return 2 after "my name is", 1 after a title or relation, 0 otherwise."""
    word = _before(text, tokens, position)
    if not word:
        return 0
    if word in _TITLES or word in _RELATIONS:
        return 1
    earlier = _before(text, tokens, position - 1)
    if word in _NAME_WORDS:
        return (
            2 if ":" in text[tokens[position - 1].end : tokens[position].start] else 1
        )
    if word in {"is", "was", "ist", "est", "es", "e"} and earlier in _NAME_WORDS:
        return 2
    if word in {"named", "called"} or (earlier, word) in {("i", "am"), ("this", "is")}:
        return 1
    return 1 if word in {"i'm", "llamo", "appelle", "chiamo", "heisse"} else 0


def _is_sentence_start(text: str, tokens: list[Token], position: int) -> bool:
    left = text[: tokens[position].start].rstrip(" \"'(")
    return not left or left[-1] in ".!?\n:"


def _threshold(text: str, tokens: list[Token], run: Run) -> float:
    """Return how sure the tagger must be, given what lists and cues say."""
    folded = [token.folded for token in tokens[run.first : run.last + 1]]
    cue = _strong_cue(text, tokens, run.first)
    following = tokens[run.last + 1].folded if run.last + 1 < len(tokens) else ""
    if following in _ORG_AFTER:
        return 0.9
    if cue:
        return 0.0
    weak = _before(text, tokens, run.first) in _WEAK_CUES
    known = [word in names() for word in folded]
    plain = [word in names() and word not in _ambiguous() for word in folded]
    if len(folded) > 1:
        return _threshold_of_several(folded, known, plain)
    if tokens[run.first].is_upper and not plain[0]:
        return 0.75
    if tokens[run.first].is_upper and not text.isupper():
        return 0.7  # an acronym among ordinary words
    return _threshold_of_one(folded[0], plain=plain[0], weak=weak, known=known[0])


def _threshold_of_several(
    folded: list[str], known: list[bool], plain: list[bool]
) -> float:
    first = folded[0] in words("first_names")
    if " ".join(folded) in words("places"):
        return 0.6
    if first and known[-1] and any(plain):
        return 0.02
    if first and any(plain):
        return 0.15
    return 0.3 if any(known) else 0.6


def _threshold_of_one(word: str, *, plain: bool, weak: bool, known: bool) -> float:
    if word in words("places"):
        if word in _ambiguous() or word not in words("first_names"):
            return 0.75
        return 0.2 if weak else 0.4
    if plain and word in words("first_names"):
        return 0.1 if weak else 0.25
    if known:
        return 0.4 if weak else 0.55
    return 0.8 if weak else 0.9


def _judge(text: str, tokens: list[Token], runs: list[Run]) -> dict[int, float]:
    """Return how likely each word of a run is part of a person's name, by position."""
    certainty: dict[int, float] = {}
    for group in _neighbours(runs):
        left, right = _surroundings(text, tokens, group)
        parts = units(text[left:right])
        wanted = {
            tokens[index].start - left: index
            for run in group
            for index in range(run.first, run.last + 1)
        }
        marks = get_tagger().person_marginals([unit for unit, _ in parts])
        for (_, start), mark in zip(parts, marks, strict=True):
            if start in wanted:
                certainty[wanted[start]] = mark
    return certainty


def _neighbours(runs: list[Run]) -> Iterator[list[Run]]:
    """Yield runs so close together that they share their surroundings."""
    group = [runs[0]]
    for run in runs[1:]:
        if run.first - group[-1].last > 2 * _REACH:
            yield group
            group = []
        group.append(run)
    yield group


def _surroundings(text: str, tokens: list[Token], group: list[Run]) -> tuple[int, int]:
    """Return the part of the text that the tagger reads: some words a side."""
    left = tokens[max(0, group[0].first - _REACH)].start
    last = min(len(tokens) - 1, group[-1].last + _REACH)
    line = text.rfind("\n", left, tokens[group[0].first].start)
    right = text.find("\n", tokens[group[-1].last].end)
    stop = min(len(text), tokens[last].end + 2)
    return (line + 1 if line >= 0 else left), (min(right, stop) if right >= 0 else stop)


def _score(
    text: str, tokens: list[Token], run: Run, certainty: dict[int, float]
) -> float:
    width = range(run.first, run.last + 1)
    mean = sum(certainty.get(index, 0.0) for index in width) / len(width)
    least = _threshold(text, tokens, run)
    if mean < least:
        return 0.0
    return round(0.5 + 0.5 * (mean - least + (1 - least)) / 2, 3)


def _span(text: str, tokens: list[Token], run: Run, score: float) -> Span:
    start, end = tokens[run.first].start, tokens[run.last].end
    if text[end - 2 : end] == "'s":
        end -= 2
    return Span(start, end, Label.PERSON, score)
