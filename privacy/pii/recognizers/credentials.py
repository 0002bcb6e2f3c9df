"""Passwords, keys, tokens and one-time codes."""

from privacy.pii.gazetteer import word_set, words
from privacy.pii.labels import Label
from privacy.pii.rules import Candidate, Rule, cued, rule

_PLAIN = word_set(
    "is was the a an my your his her reset resets required incorrect wrong "
    "expired changed change invalid forgotten forgot policy field please must "
    "should cannot does not and or for to in on with has have failed none null "
    "true false protected manager authentication auth hash hashed length rules "
    "hint box again changer expiry here there needed missing empty ok okay "
    "valid rotation it that this be been storage key keys value values type "
    "string str int token tokens optional bucket limit limits limiter count "
    "usage used budget id page screen form prompt email link button input based "
    "sharing guessing attempts attempt confirmation"
)


_ENDINGS = ("ed", "ing", "ly", "able", "ible", "ent", "ory", "wn", "en", "ere", "ive")


def _score_assigned(found: Candidate) -> float:
    value = found.value
    if value.lower() in _PLAIN or value.startswith(("<", "[", "{", "$", "*", "%")):
        return 0.0
    quoted = found.char_before in {'"', "'"}
    return 0.9 if quoted or len(value) >= 3 else 0.0


def _score_told(found: Candidate) -> float:
    value = found.value.rstrip(".!?,;:)")
    if value.lower() in _PLAIN or len(value) < 4:
        return 0.0
    if any(char.isdigit() or not (char.isalnum() or char in "-'") for char in value):
        return 0.85
    # "my password is swordfish", but not "the password is compared", "token is sent".
    own = found.words_before[1:3] and "password" in found.words_before[1:3]
    ordinary = value.lower() in words("common_words") or value.endswith(_ENDINGS)
    return 0.7 if own and not ordinary else 0.0


_NAMES = (
    r"pass(?:word|wd|phrase|code)?|pwd|passwort|kennwort|mot[ ]de[ ]passe|"
    r"contrase[ñn]a|"
    r"secret(?:[ _-]?(?:key|access[ _-]?key))?|api[ _-]?(?:key|secret|token)|"
    r"access[ _-]?(?:key|token)|auth[ _-]?(?:key|token)|refresh[ _-]?token|"
    r"client[ _-]?secret|private[ _-]?key|encryption[ _-]?key|bearer[ _-]?token|token|"
    r"session[ _-]?(?:key|token)|credentials?|aws_secret_access_key|secret_key_base|"
    r"recovery[ _-]?code|pin"
)

RULES: tuple[Rule, ...] = (
    rule(
        Label.SECRET,
        r"-----BEGIN[ ][A-Z ]{0,30}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----"
        r"[A-Za-z0-9+/=\s:,.\\-]*?(?:-----END[ ][A-Z ]{0,30}PRIVATE[ ]KEY(?:[ ]BLOCK)?"
        r"-----|\Z)",
        0.99,
        probe=r"-----BEGIN [A-Z ]*PRIVATE KEY",
    ),
    rule(
        Label.SECRET,
        r"(?<![\w-])(?:sk|pk|rk)[-_](?:live|test|proj|ant|or|"
        r"svcacct)?[-_]?[A-Za-z0-9_-]{16,200}",
        lambda found: 0.95 if len(found.digits) >= 1 else 0.0,
    ),
    rule(
        Label.SECRET,
        r"(?<![\w])(?:(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}|"
        r"csk_[A-Za-z0-9]{16,60}|csl_[A-Za-z0-9_-]{16,60}|"
        r"gh[pousr]_[A-Za-z0-9]{30,255}|"
        r"github_pat_[A-Za-z0-9_]{22,255}|xox[abeoprs]-[A-Za-z0-9-]{10,250}|"
        r"AIza[A-Za-z0-9_-]{35}|glpat-[A-Za-z0-9_-]{20,64}|npm_[A-Za-z0-9]{36}|"
        r"pypi-[A-Za-z0-9_-]{40,255}|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}|"
        r"hf_[A-Za-z0-9]{30,40}|ya29\.[A-Za-z0-9_-]{20,255}|dop_v1_[a-f0-9]{64}|"
        r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,43}|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}|"
        r"AGE-SECRET-KEY-1[A-Z0-9]{58}|hvs\.[A-Za-z0-9_-]{24,255})(?![\w])",
        0.99,
    ),
    rule(
        Label.SECRET,
        r"(?<![\w.])eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{0,2000}",
        0.99,
        probe=r"eyJ[A-Za-z0-9_-]{8}",
    ),
    rule(
        Label.SECRET,
        r"(?i)(?<![\w])(?:bearer|basic|"
        r"token)[ ]+(?P<value>[A-Za-z0-9_.~+/-]{16,4000}=*)",
        lambda found: 0.95 if len(found.digits) >= 1 or "=" in found.value else 0.0,
        group=1,
        probe=r"(?i)(?:bearer|basic|token) ",
    ),
    rule(
        Label.SECRET,
        r"(?i)(?<![\w])[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,100}:[^\s/@\"'<>]{1,200}@"
        r"[^\s\"'<>]{1,300}",
        0.97,
    ),
    rule(
        Label.SECRET,
        rf"(?i)(?<![a-z])(?:{_NAMES})['\"]?[ ]?(?:[:=]|=>|:=)[ ]?"
        r"['\"]?(?P<value>(?<=\")[^\"\n]{1,500}|(?<=')[^'\n]{1,500}|"
        r"(?:[^\s,;\"'&<>()\[\]{}]|"
        r"&(?!\w+=)){3,500})",
        _score_assigned,
        group=1,
        probe=rf"(?i)(?:{_NAMES.replace('ñ', '.')})",
    ),
    rule(
        Label.SECRET,
        rf"(?i)(?<![a-z])(?:{_NAMES})[ ](?:is|was|ist|est|es|to)[ ](?:now[ ])?['\"]?"
        r"(?P<value>[^\s\"',;]{4,200})",
        _score_told,
        group=1,
        probe=rf"(?i)(?:{_NAMES.replace('ñ', '.')})",
    ),
    cued(
        Label.SECRET,
        r"(?:verification|one[- ]time|security|authenticator|login|access|mfa|2fa|sms|"
        r"auth"
        r"|activation|recovery)[ _-](?:pass)?codes?|otp|totp|pin|pass[ ]?code",
        r"\d{4,10}|\d{3}[ -]\d{3}",
        check=0.85,
    ),
    rule(Label.SECRET, r"(?i)otpauth://[^\s\"'<>]{4,500}", 0.99),
)
