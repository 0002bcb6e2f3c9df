"""E-mail addresses, telephone numbers, URLs and user names."""

import re

from privacy.pii.gazetteer import word_set
from privacy.pii.labels import Label
from privacy.pii.recognizers import words
from privacy.pii.rules import Candidate, Check, Rule, rule

_REGIONS = (
    "GB",
    "DE",
    "FR",
    "IT",
    "NL",
    "BE",
    "AT",
    "CH",
    "AU",
    "IN",
    "JP",
    "SE",
    "ZA",
)
_CODE_WORDS = word_set(
    "here channel everyone all property staticmethod classmethod override param "
    "return returns media import app pytest dataclass cached_property "
    "login_required deprecated autowired inject component test before after "
    "charset keyframes font-face types babel angular team"
)
_ROLE_ACCOUNTS = frozenset({"git", "hg", "svn"})


def _score_email(found: Candidate) -> float:
    local = found.value.partition("@")[0]
    if local in _ROLE_ACCOUNTS and found.char_after in {":", "/"}:
        return 0.0
    return 0.99


def _score_spoken_email(found: Candidate) -> float:
    return 0.85 if found.value[-2:].isalpha() else 0.0


def is_dialable(number: str, region: str | None) -> bool:
    """Tell whether the numbering plan of the region has assigned such numbers.

    Not cached: the process would keep the numbers of strangers in memory.
    """
    import phonenumbers  # noqa: PLC0415 - its tables are loaded for candidates only

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    if region is None:
        return phonenumbers.is_possible_number(parsed)
    return phonenumbers.is_valid_number(parsed)


def _names_other_number(found: Candidate) -> bool:
    return found.nearest(words.PHONE, words.OTHER_NUMBER) == 1 and found.follows(
        words.OTHER_NUMBER, within=4
    )


_ISO_DATE = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d")


def _is_time(found: Candidate) -> bool:
    """Tell whether the digits go on from "12:34:" or hold a date."""
    clock = found.char_before == ":" and found.text[found.start - 2].isdigit()
    return clock or _ISO_DATE.search(found.value) is not None


def _phone(pattern: str, check: Check) -> Rule:
    return rule(
        Label.PHONE,
        pattern,
        lambda found: 0.0 if _is_time(found) else check(found),
    )


def _has_phone_context(found: Candidate) -> bool:
    return found.is_near(words.PHONE) and not _names_other_number(found)


_EXTENSION_START = re.compile(r"[xe]", re.IGNORECASE)


def _without_extension(found: Candidate) -> str:
    main = _EXTENSION_START.split(found.value, maxsplit=1)[0]
    return "".join(char for char in main if char.isdigit())


def _score_international(found: Candidate) -> float:
    digits = _without_extension(found)
    if not 8 <= len(digits) <= 15 or found.char_after in {"%", "€", "$"}:
        return 0.0
    if found.value.startswith("+"):
        return 0.95 if is_dialable("+" + digits, None) else 0.0
    if not is_dialable("+" + digits[2:], None):
        return 0.0
    separated = any(char in found.value for char in " -()")
    return 0.85 if separated or _has_phone_context(found) else 0.0


def _score_nanp(found: Candidate) -> float:
    digits = _without_extension(found)[-10:]
    if digits[0] in "01" or digits[3] in "01" or found.char_before in {"$", "#"}:
        # A wrong number behind the word "phone" is still somebody's typo.
        return 0.6 if found.is_near(words.PHONE, before=3, after=0) else 0.0
    if _names_other_number(found):
        return 0.0
    if found.value[0] in "(+" or "-" in found.value or _has_phone_context(found):
        return 0.9
    return 0.7 if is_dialable(digits, "US") else 0.0


def _score_seven(found: Candidate) -> float:
    if found.char_before in {"$", "#", "/"} or _names_other_number(found):
        return 0.0
    near = _has_phone_context(found) or found.follows(frozenset({"at", "on"}), within=1)
    fictional = found.value.startswith("555")
    return 0.8 if near else 0.7 if fictional else 0.0


def _score_trunk(found: Candidate) -> float:
    digits = found.digits
    if not 8 <= len(digits) <= 13 or _names_other_number(found):
        return 0.0
    if found.nearest(words.PHONE, words.NATIONAL_ID) == 1:
        return 0.0
    if not any(is_dialable(digits, region) for region in _REGIONS):
        return 0.6 if found.is_near(words.PHONE, before=4, after=2) else 0.0
    separated = any(char in found.value for char in " ()/-.")
    return 0.85 if separated or _has_phone_context(found) else 0.0


def _score_grouped(found: Candidate) -> float:
    if _names_other_number(found):
        return 0.0
    if _has_phone_context(found):
        return 0.85
    return 0.65 if is_dialable(found.digits, "ES") and " " in found.value else 0.0


def _score_bare(found: Candidate) -> float:
    if found.char_before in {"$", "#", "="} or not _has_phone_context(found):
        return 0.0
    positive = found.nearest(words.PHONE, words.OTHER_NUMBER, words.NATIONAL_ID)
    near = found.is_near(words.PHONE, before=6, after=3)
    return 0.75 if near and positive <= 0 else 0.0


def _score_handle(found: Candidate) -> float:
    name = found.value[1:].rstrip(".").lower()
    if name in _CODE_WORDS or found.char_after in {"/", "(", "@"}:
        return 0.0
    return 0.7


def _score_named_user(found: Candidate) -> float:
    refused = {
        "is",
        "not",
        "none",
        "null",
        "true",
        "false",
        "required",
        "invalid",
        "the",
    }
    value = found.value.lower()
    if value in refused or (value.isalpha() and value.endswith("ed")):
        return 0.0
    # "login is slow" tells nothing, "username is jdoe" does.
    plain = value.isalpha() and found.words_before[:2] == ["is", "login"]
    return 0.0 if plain else 0.75


_TLD = (
    r"(?:com|org|net|edu|gov|io|co|info|biz|de|fr|es|it|nl|uk|eu|ch|at|be|se|us|ca|au)"
)
_SPOKEN_DOT = r"(?:\s*[\[({<]\s*(?:dot|\.|punkt|point|punto)\s*[\])}>]\s*|\s+dot\s+)"
_EXTENSION = r"(?:[ ,]{0,2}(?:x|ext\.?|extension)[ .:]{0,2}\d{1,6})?"

RULES: tuple[Rule, ...] = (
    rule(
        Label.EMAIL,
        r"(?<![\w.+%-])[\w.+%-]{0,64}(?:'\w{1,32})?[\w+%-]@(?:[\w-]{1,63}\.){1,8}"
        r"(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,40})(?![\w-]*@)",
        _score_email,
        probe="@",
    ),
    rule(
        Label.EMAIL,
        rf"(?i)(?<![\w.+-])[\w.+-]{{1,64}}(?:{_SPOKEN_DOT}[\w+-]{{1,32}}){{0,3}}"
        r"(?:\s*[\[({<]\s*(?:at|@|arroba|ät)\s*[\])}>]\s*|\s+at\s+(?=[\w-]+\s+dot\s))"
        rf"[\w-]{{1,63}}(?:(?:{_SPOKEN_DOT}|\.)[\w-]{{1,63}}){{1,4}}",
        _score_spoken_email,
        probe=r"(?i)[\[({<]\s*(?:at|@|arroba|ät)\s*[\])}>]|\sat\s+[\w-]+\s+dot\s",
    ),
    rule(
        Label.EMAIL,
        rf"(?i)(?<![\w.+-])[\w.+-]{{1,64}}[ ]?@[ ]?[\w-]{{1,63}}[ ]?\.[ ]?{_TLD}\b",
        0.8,
        probe=r"(?i)[ ]@|@[ ]|@[\w-]+[ ]\.|@[\w-]+\.[ ]",
    ),
    _phone(
        r"(?<![A-Za-z0-9.+])(?:\+[ ]?|00[ ]?)\(?[1-9]\d{0,3}\)?"
        r"(?:[ ./-]{0,2}\(?\d{1,5}\)?){1,6}"
        rf"{_EXTENSION}(?![\w])",
        _score_international,
    ),
    _phone(
        r"(?<![A-Za-z0-9.+-])(?:\+?1[ .-]{0,2})?(?:\(\d{3}\)[ .-]{0,2}|\d{3}[ .-])"
        rf"\d{{3}}[ .-]\d{{4}}{_EXTENSION}(?![\w-])",
        _score_nanp,
    ),
    _phone(
        rf"(?<![A-Za-z0-9.+-])\d{{3}}[-.]\d{{4}}{_EXTENSION}(?![\w-])",
        _score_seven,
    ),
    _phone(
        r"(?<![A-Za-z0-9.+-])\(?0\d{1,5}\)?(?:[ ./-]{0,2}\d{2,8}){1,5}(?![\w-])",
        _score_trunk,
    ),
    _phone(
        r"(?<![A-Za-z0-9.+-])[2-9]\d{1,2}(?:[ .-]\d{2,3}){2,3}(?![\w-])",
        _score_grouped,
    ),
    _phone(r"(?<![A-Za-z0-9.+-])\d{7,13}(?![\w-])", _score_bare),
    _phone(
        r"(?<![A-Za-z0-9.+-])(?:\(?\d{2}\)?[ ])?\d{4,5}[ .-]\d{4}(?![\w-])",
        _score_bare,
    ),
    rule(
        Label.URL,
        r"(?i)\b(?:(?:https?|ftps?|sftp|wss?)://|www\.(?=[\w-]))"
        r"[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}]",
        0.9,
        probe=r"(?i)(?:(?:https?|ftps?|sftp|wss?)://|www\.)",
    ),
    rule(
        Label.USERNAME,
        r"(?<![\w@/.:+-])@[A-Za-z_][\w.]{1,28}\w",
        _score_handle,
    ),
    rule(
        Label.USERNAME,
        r"(?i)(?<![\w])(?:user[ _-]?name|login(?:[ _-]?name)?|(?:twitter|screen|"
        r"x)[ ]handle|"
        r"handle|nick(?:[ ]?name)?|gamertag|skype(?:[ ]id)?|benutzername|"
        r"nom[ ]d'utilisateur)"
        r"['\"]?(?:[ ]is|[ ]?[:=])[ ]?['\"]?(?P<value>[A-Za-z0-9_][\w.-]{1,30}\w)",
        _score_named_user,
        group=1,
    ),
)
