"""Words that may be a person's name: what name lists, writing and cues propose."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from privacy.pii.gazetteer import first_names, fold, last_names, names, word_set, words

TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
# ChatGPT and In-process are no names; McKay, O'Neil, DeVito and Anne-Marie are.
_ODD_CASE = re.compile(
    r"^(?!(?:Mc|Mac|De|Di|Du|La|Le|Van|Von|Fitz|El|Al)[A-Z][a-z]+$)[^'-]*[a-z][A-Z]"
    r"|-[a-z](?!l-)"
)
_KNOWN = "*known*"  # the folded form of a word that is surely no name
_JOINT = re.compile(r"\.? ?(?:[A-Z]\. ?)?|, ")
_PARTICLES = word_set(
    "de da do dos das del della di van von der den ter al bin ibn bint y"
)
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
WEAK_CUES = word_set(
    "i'm am contact employee customer client hi hello hey dear ask tell email "
    "call meet attn with from by for of to and cc signed salary employee user "
    "manager rep about hired fired promoted is told met says said wrote asked "
    "report reports owner applicant candidate guest member tenant student "
    "teacher recipient sender beneficiary cardholder holder driver author"
)
ORG_AFTER = word_set(
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
def ambiguous() -> frozenset[str]:
    """Return the names that are ordinary words too."""
    ordinary = words("ambiguous_names") | words("common_words") | words("plain_words")
    return (ordinary | words("foreign_words")) & names()


@cache
def _ordinary() -> frozenset[str]:
    return words("common_words") | words("foreign_words")


@cache
def _stop() -> frozenset[str]:
    return words("stop_words") - words("ambiguous_names")


@cache
def _quiet() -> frozenset[str]:
    """Return the words, as they are written, that `_can_be_name` never lets be one."""
    stop = _stop()
    written = stop | {word.capitalize() for word in stop} | words("common_words")
    # Only what is looked up as it stands, in small letters.
    return frozenset(
        word for word in written if word.isascii() and not word.endswith("'s")
    )


def is_quiet(text: str) -> bool:
    """Whether no word of the text can begin a name, which most sentences show at once.

    It is what `propose` finds too, word by word and many times as slowly.
    """
    return _quiet().issuperset(TOKEN.findall(text))


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring tokens that may be one name, by position in the token list."""

    first: int
    last: int


def propose(text: str, tokens: list[Token]) -> Iterator[Run]:
    """Yield runs of words that could be names, longest first at each place."""
    position = 0
    while position < len(tokens):
        if not _can_be_name(text, tokens, position):
            position += 1
            continue
        last = _extend(text, tokens, position)
        yield Run(_reach_back(text, tokens, position), last)
        position = last + 1


def _reach_back(text: str, tokens: list[Token], position: int) -> int:
    """Return the first token of a name with initials before it: "S. van Dijk"."""
    first = position
    if not tokens[position].text[0].isupper():
        return position
    while first > 0 and tokens[first - 1].folded in _PARTICLES:
        first -= 1
    while first > 0 and _is_initial(text, tokens, first - 1):
        first -= 1
        position = first
    return position


def _is_initial(text: str, tokens: list[Token], position: int) -> bool:
    token = tokens[position]
    between = text[token.end : tokens[position + 1].start]
    return len(token.text) == 1 and token.text.isupper() and between in {".", ". "}


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
    if not token.is_upper and _ODD_CASE.search(token.text):
        return False
    known = token.folded in names()
    if not known and token.folded in _ordinary():
        return strong_cue(text, tokens, position) > 0
    return not _is_part_of_identifier(text, token)


def _is_lower_name(text: str, tokens: list[Token], position: int) -> bool:
    token = tokens[position]
    if token.folded in words("common_words"):
        return False
    if token.folded in ambiguous():
        return _has_lower_surname(text, tokens, position)
    if token.folded not in names():
        return strong_cue(text, tokens, position) == 2 and not _is_part_of_identifier(
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
        and tokens[position].folded in first_names()
        and following.text.islower()
        and following.folded in last_names()
        and following.folded not in ambiguous()
        and following.folded not in _stop()
    )


def _extend(text: str, tokens: list[Token], position: int) -> int:
    """Return the last token of the name that begins here."""
    last = position
    lower = not tokens[position].text[0].isupper()
    while last + 1 < len(tokens) and last - position < 4:
        between = text[tokens[last].end : tokens[last + 1].start]
        following = tokens[last + 1]
        if not _JOINT.fullmatch(between):
            break
        if "." in between and len(tokens[last].text) > 1:
            break
        if "," in between and not _is_reversed(text, tokens, position, last + 1):
            break
        if following.folded in _PARTICLES and last + 2 < len(tokens):
            reach = _past_particles(text, tokens, last + 1)
            if reach and _may_end(tokens[reach], lower=lower):
                last = reach
                continue
        if not _continues(text, tokens, last + 1, lower=lower):
            break
        last += 1
    return last


def _may_end(token: Token, *, lower: bool) -> bool:
    if token.folded in _stop():
        return False
    if lower:
        return token.folded in last_names() and token.folded not in ambiguous()
    return token.is_title


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
    if second != first + 1 or last not in last_names():
        return False
    if given not in first_names():
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
    uncommon = token.folded not in words("common_words")
    if lower:
        return token.text.islower() and token.folded in names() and uncommon
    if len(token.text) == 1:
        return token.text.isupper() and text[token.end : token.end + 1] == "."
    previous = tokens[position - 1]
    if len(previous.text) == 1:
        # "John Q. Public": what follows an initial is a name.
        return token.text[0].isupper()
    if token.is_upper:
        return previous.is_upper and token.folded in names()
    return token.is_title and (token.folded in names() or uncommon)


def before(text: str, tokens: list[Token], position: int) -> str:
    """Return the folded word just before, unless a sentence ends between."""
    if position == 0:
        return ""
    between = text[tokens[position - 1].end : tokens[position].start]
    if len(between) > 3 or "\n\n" in between or any(c in between for c in ";!?|"):
        return ""
    if "." in between and tokens[position - 1].folded not in _TITLES:
        return ""
    return tokens[position - 1].folded


def strong_cue(text: str, tokens: list[Token], position: int) -> int:
    """Return 2 after "my name is", 1 after a title or relation, 0 otherwise."""
    word = before(text, tokens, position)
    if not word:
        return 0
    if word in _TITLES or word in _RELATIONS:
        return 1
    earlier = before(text, tokens, position - 1)
    if word in _NAME_WORDS:
        return (
            2 if ":" in text[tokens[position - 1].end : tokens[position].start] else 1
        )
    if word in {"is", "was", "ist", "est", "es", "e"} and earlier in _NAME_WORDS:
        return 2
    if word in {"named", "called"} or (earlier, word) in {("i", "am"), ("this", "is")}:
        return 1
    return 1 if word in {"i'm", "llamo", "appelle", "chiamo", "heisse"} else 0
