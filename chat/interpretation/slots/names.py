"""Regions, departments, products and people: known values first, then names."""

import re

from chat.interpretation.slots import lexicon
from chat.interpretation.slots.canvas import Canvas
from chat.interpretation.text import Token, tokens
from chat.interpretation.vocabulary import (
    COMMON_WORDS,
    FIRST_NAMES,
    Entry,
    SpellingIndex,
    Vocabulary,
)

MAX_NAME = 80
_WORK_WORDS = (
    "salary|salaries|pay|wage|wages|compensation|earnings|income|remuneration|review"
    "|reviews|performance|rating|ratings|appraisal|evaluation|assessment|manager|boss"
    "|supervisor|phone|telephone|mobile|email|e-mail|mail|number|extension|record"
    "|records|file|contact|details|title|address|office|desk|reports|department|team"
    "|kpis|score|scores|notes|sales|deals|hr|personnel|employee|line|payslip|payroll"
)
_CUE_BEFORE = re.compile(
    rf"(?:\b(?:{_WORK_WORDS})\s(?:data\s|info\s)?(?:of|for|from|about|on|by)\s"
    r"|\b(?:employee|colleague|coworker|named|called)\s"
    r"|\b(?:reach|contact|call|is)\s"
    r"|\b(?:how\s(?:much|well)|what)\s(?:does|did|do|is|was)\s"
    r"|\b(?:does|did)\s)$"
)
_CUE_AFTER = re.compile(
    rf"(?:'s)?\s(?:current\s|base\s|annual\s|latest\s|last\s|work\s|yearly\s)?"
    rf"(?:{_WORK_WORDS})\b"
    r"|\s(?:earn|earns|make|makes|get|gets|paid|report|reports|work|works|perform|sit"
    r"|sits|sell|sold|doing|score|making|earning|write|wrote)\b"
)
_COMPOUND = re.compile("['-]")
_DIGIT = re.compile(r"\d")
_SPACE = re.compile(r"\s+")


def lift_known(canvas: Canvas, vocabulary: Vocabulary) -> None:
    """Products and people of the vocabulary, one misspelt letter a word allowed."""
    words = tokens(canvas.text, canvas.lower)
    position = 0
    while position < len(words):
        entry = _known_at(words, position, vocabulary)
        if entry is None:
            position += 1
            continue
        last = words[position + len(entry.words) - 1]
        end = last.start + len(last.key)
        canvas.lift(words[position].start, end, {entry.slot: entry.value})
        position += len(entry.words)


def _known_at(
    words: list[Token], position: int, vocabulary: Vocabulary
) -> Entry | None:
    keys = [word.key for word in words[position : position + 6]]
    exact = _phrase_at(keys, vocabulary)
    if exact is not None and exact.is_whole:
        return exact
    if keys[0] in COMMON_WORDS:
        return exact
    spelt = [_spell(key, vocabulary.names_spelling, vocabulary) for key in keys]
    meant = _phrase_at(spelt, vocabulary) if spelt != keys else None
    return meant if meant is not None and meant.is_whole else exact


def _phrase_at(keys: list[str], vocabulary: Vocabulary) -> Entry | None:
    for entry in vocabulary.phrases.get(keys[0], ()):
        if entry.slot not in ("product", "person"):
            continue
        size = len(entry.words)
        is_same = tuple(keys[: size - 1]) == entry.words[:-1]
        if is_same and len(keys) >= size and _is_word(keys[size - 1], entry):
            return entry
    return None


def _is_word(key: str, entry: Entry) -> bool:
    """Accept the plural for the last word of a product."""
    return key == entry.words[-1] or (
        entry.slot == "product" and key == entry.words[-1] + "s"
    )


def _spell(word: str, index: SpellingIndex, vocabulary: Vocabulary) -> str:
    if word in COMMON_WORDS or word in vocabulary.known_words:
        return word
    return index.correct(word) or word


def lift_places(canvas: Canvas, vocabulary: Vocabulary) -> None:
    """Regions, and departments where the sentence speaks of one."""
    words = tokens(canvas.text, canvas.lower)
    keys = [word.key for word in words]
    position = 0
    while position < len(words):
        entry = _place_at(canvas, words, keys, position, vocabulary)
        if entry is None:
            position += 1
            continue
        last = words[position + len(entry.words) - 1]
        end = last.start + len(last.key)
        canvas.lift(words[position].start, end, {entry.slot: entry.value})
        position += len(entry.words)


def _place_at(
    canvas: Canvas,
    words: list[Token],
    keys: list[str],
    position: int,
    vocabulary: Vocabulary,
) -> Entry | None:
    key = keys[position]
    adjective = key[:-3] if key.endswith("ern") and len(key) > 6 else key
    for entry in vocabulary.phrases.get(adjective, vocabulary.phrases.get(key, ())):
        end = position + len(entry.words)
        if entry.slot not in ("region", "department"):
            continue
        if tuple(keys[position + 1 : end]) != entry.words[1:]:
            continue
        after = keys[end] if end < len(keys) else ""
        if entry.slot == "region" and after not in lexicon.PLACES:
            return entry
        if entry.slot == "department" and _is_department(
            entry, keys, position, after, is_upper=words[position].text.isupper()
        ):
            return entry
    return None


def _is_department(
    entry: Entry, keys: list[str], position: int, after: str, *, is_upper: bool
) -> bool:
    """Whether the word names the department here and not, say, a finance report."""
    phrase = " ".join(entry.words)
    before = [key for key in keys[:position] if key not in lexicon.DETERMINERS]
    previous = before[-1] if before else ""
    if after in lexicon.UNIT_NOUNS or (
        previous == "of" and before[-2:-1] == ["department"]
    ):
        return True
    if phrase in lexicon.ONLY_WITH_UNIT or (phrase == "it" and not is_upper):
        return False
    if phrase == "sales":
        nearby = lexicon.WORKING & set(before[-6:])
        is_last = (
            after in ("", "department") or after in lexicon.PLACED or after == "qqtime"
        )
        is_counted = after in ("headcount", "salaries", "budget", "expenses", "hires")
        return is_counted or (previous in ("in", "from") and is_last and bool(nearby))
    if after in lexicon.NOT_A_DEPARTMENT_BEFORE or previous in lexicon.NEVER_AFTER:
        return False
    if phrase in lexicon.ALWAYS_MEANT or after in lexicon.PEOPLE_NOUNS:
        return True
    return (
        previous in lexicon.PLACED
        or previous in lexicon.ASKED
        or previous in lexicon.PEOPLE_NOUNS
    )


def lift_names(canvas: Canvas) -> None:
    """People the vocabulary does not know: by first name, capitals or context."""
    words = tokens(canvas.text, canvas.lower)
    is_cased = any(character.islower() for character in canvas.text)
    position = 0
    while position < len(words):
        size = _name_size(canvas, words, position, is_cased=is_cased)
        if size:
            first, last = words[position], words[position + size - 1]
            _lift_name(canvas, first.start, last.start + len(last.key))
        position += max(size, 1)


def _lift_name(canvas: Canvas, start: int, end: int) -> None:
    name = _SPACE.sub(" ", canvas.text[start:end])
    if name == name.lower() or name == name.upper():
        name = "".join(part.capitalize() for part in re.split(r"([ '-])", name))
    if len(name) <= MAX_NAME:
        canvas.lift(start, end, {"person": name})


def _name_size(
    canvas: Canvas, words: list[Token], position: int, *, is_cased: bool
) -> int:
    """How many words from here are one person's name; 0 when this is no name."""
    run = _run(canvas, words, position, is_cased=is_cased)
    if not run or words[run[-1]].key in lexicon.FIRMS or _is_firm(words, run[-1] + 1):
        return 0
    first, size = words[position], len(run)
    is_title = position > 0 and words[position - 1].key in lexicon.TITLES
    if first.key in FIRST_NAMES and not (size == 1 and first.key in COMMON_WORDS):
        return size
    before = canvas.lower[max(0, first.start - 40) : first.start]
    last = words[run[-1]]
    after = canvas.lower[last.start + len(last.key) :][:40]
    is_cued = bool(_CUE_BEFORE.search(before)) or bool(_CUE_AFTER.match(after))
    is_capital = is_cased and first.text[0].isupper()
    if is_title or (is_capital and size >= 2):
        return size
    if is_capital or size <= 3:
        is_strong = bool(_STRONG_BEFORE.search(before)) or after.startswith("'s ")
        return size if is_cued and (is_capital or is_strong) else 0
    return 0


_STRONG_BEFORE = re.compile(
    r"\b(?:salary|salaries|pay|wage|compensation|earnings|income|remuneration|review"
    r"|performance|rating|appraisal|evaluation|manager|boss|supervisor|phone|email"
    r"|extension|record|file|number)\s(?:of|for)\s$"
    r"|\b(?:how\s(?:much|well)|what)\s(?:does|did)\s$"
)


def _is_firm(words: list[Token], position: int) -> bool:
    return position < len(words) and words[position].key in lexicon.FIRMS


def _run(
    canvas: Canvas, words: list[Token], position: int, *, is_cased: bool
) -> list[int]:
    """Find the consecutive words that can belong to one name (4 at most)."""
    found: list[int] = []
    for place in range(position, min(position + 4, len(words))):
        word = words[place]
        if found and not _is_adjacent(canvas, words[place - 1], word):
            break
        is_particle = bool(found) and word.key in lexicon.PARTICLES
        if not is_particle and not _can_be_name(
            word, is_cased=is_cased, is_first=not found
        ):
            break
        found.append(place)
    while found and words[found[-1]].key in lexicon.PARTICLES:
        found.pop()
    return found


def _is_adjacent(canvas: Canvas, left: Token, right: Token) -> bool:
    return left.text[-2:] != "'s" and canvas.text[left.end : right.start] == " "


def _can_be_name(word: Token, *, is_cased: bool, is_first: bool) -> bool:
    if len(word.key) < 2 or word.key in lexicon.TITLES or _DIGIT.search(word.key):
        return False
    if word.key in FIRST_NAMES:
        return True
    if len(word.key) > 2 and _COMPOUND.search(word.key) and _has_common_part(word.key):
        return False
    is_capital = is_cased and word.text[0].isupper()
    if word.key in COMMON_WORDS:
        # "Jane West" but not "Show Sales": an ordinary word can only be a surname.
        return is_capital and not is_first and not word.text.isupper()
    return True


def _has_common_part(key: str) -> bool:
    """Whether this is "month-on-month" or "I've" and not "O'Neil" or "Anne-Marie"."""
    return any(
        part in COMMON_WORDS and part not in FIRST_NAMES
        for part in _COMPOUND.split(key)
    )
