"""Signs of a message that is written for the machine and not for a person."""

import base64
import binascii
import re
import unicodedata
from enum import StrEnum

MAX_LENGTH = 20_000


class Sign(StrEnum):
    """What was found; the classifier weighs it, and some alone are enough."""

    OVERRIDE = "override"
    REVEAL = "reveal"
    ROLE_MARKER = "rolemarker"
    INVISIBLE = "invisible"
    BYPASS = "bypass"
    PERSONA = "persona"
    ENCODED = "encoded"
    DISGUISED = "disguised"


# No ordinary business question carries one of these.
STRONG = frozenset(
    {Sign.OVERRIDE, Sign.REVEAL, Sign.ROLE_MARKER, Sign.INVISIBLE, Sign.DISGUISED}
)

_GAP = r"\W+(?:\w+\W+){0,5}?"
_OVERRIDES = (
    # English: the verb, then which, then what.
    (
        r"\b(?:ignor(?:e|ing)|disregard|forget|neglect|overrule|override|discard|dismiss"
        r"|do not follow|don't follow|stop following|pay no attention to)\W+"
        r"(?:\w+\W+){0,3}?(?:previous|prior|above|all|any|every|earlier|preceding|your"
        r"|these|those|system'?s?|its|company)\W+(?:\w+\W+){0,3}?(?:instructions?|rules?"
        r"|guidelines?|prompts?|directives?|restrictions?|constraints?|commands?|orders"
        r"|programming|training|policy|policies|tasks?)\b"
    ),
    (
        r"\b(?:ignore|disregard|forget)\W+(?:\w+\W+){0,2}?(?:the\W+)?(?:above|everything"
        r"|all)\b(?:\W+(?:and|you|that|what|before|above|directions?|text|content)\b)"
    ),
    (
        rf"\b(?:ignorier\w*|vergiss|vergesst|missachte\w*|übergehe){_GAP}"
        r"(?:anweisung\w*|regeln?|vorgaben?|instruktion\w*|befehle?n?|richtlinien?)\b"
    ),
    (
        rf"\b(?:ignore[zr]?|oublie[zr]?|oublions){_GAP}"
        r"(?:instructions?|règles?|regles?|consignes?|directives?)\b"
    ),
    (
        rf"\b(?:ignor[ae]|olvid[ae]|omit[ae]){_GAP}"
        r"(?:instrucciones|reglas|órdenes|ordenes|directrices|indicaciones)\b"
    ),
    rf"\b(?:ignora|dimentica|trascura){_GAP}(?:istruzioni|regole|direttive)\b",
    (
        rf"\b(?:ignore|esqueça|esqueca|desconsidere){_GAP}"
        r"(?:instruções|instrucoes|regras|diretrizes)\b"
    ),
    rf"\b(?:negeer|vergeet){_GAP}(?:instructies|regels|aanwijzingen|opdrachten)\b",
    rf"\b(?:zignoruj|zapomnij|pomiń){_GAP}(?:instrukcj\w+|poleceni\w+|zasad\w*)",
    (
        rf"\b(?:про)?(?:игнорируй(?:те)?|забудь(?:те)?){_GAP}"
        r"(?:инструкци\w+|указани\w+|правил\w*|команд\w*)"
    ),
    r"(?:忽略|无视|無視|忘记|忘掉|忽視).{0,12}(?:指令|规则|規則|指示|规定|提示|要求|設定)",
    r"(?:指示|命令|ルール|規則|制約).{0,10}(?:無視|忘れ)",
    r"(?:지시|명령|규칙|지침).{0,8}(?:무시|잊)",
    r"(?:talimat|kural|komut)\w*.{0,20}(?:yok say|görmezden gel|unut)",
    r"(?:تجاهل|انس).{0,30}(?:تعليمات|التعليمات|الأوامر|القواعد)",
    r"(?:निर्देश|नियम).{0,20}(?:अनदेखा|नज़रअंदाज|भूल)",
)
_REVEALS = (
    (
        r"\b(?:show|print|reveal|output|repeat|display|tell|give|leak|dump|expose|recite"
        r"|summari[sz]e|translate|encode|write|share|what (?:is|are|does|was|were))"
        r"\W+(?:\w+\W+){0,5}?(?:(?:system|initial|original|hidden|secret) "
        r"(?:prompt|message|instructions?|rules)|your (?:\w+ )?(?:prompt"
        r"|instructions|system message"
        r"|hidden rules|secret rules)|prompt texts?)\b"
    ),
    (
        r"\b(?:repeat|print|output|recite)\W+(?:\w+\W+){0,5}?(?:above|before)"
        r" (?:this|my)\b"
    ),
    (
        r"\b(?:everything|text|words|lines?) (?:\w+ ){0,2}(?:above|before) (?:this|my) "
        r"(?:line|message|first|prompt)"
    ),
)
_BYPASSES = (
    (
        r"\b(?:bypass|disable|turn off|switch off|skip|circumvent|evade|deactivate"
        r"|ignore)\W+(?:\w+\W+){0,3}?(?:permissions?|authori[sz]ation|access controls?"
        r"|guards?|security checks?|safety|content filters?|redaction|guardrails?"
        r"|restrictions)\b"
    ),
)
_PERSONAS = (
    (
        r"\b(?:you are now|you're now|from now on,? you|act(?:ing)? (?:as|like)|pretend"
        r"|role ?play|simulate|imagine (?:you|that you)|in character|take on the role"
        r"|assume the role|you will act)\b"
    ),
    (
        r"\b(?:developer|debug|god|dan|maintenance|admin|jailbreak) mode\b|\bjailbreak"
        r"|\bdo anything now\b|\b(?:unrestricted|uncensored|unfiltered)\b"
        r"|\bwithout (?:any )?(?:restrictions?|filters?|rules|limits|limitations"
        r"|ethics)\b"
        r"|\bno (?:restrictions|rules|limits|limitations|policies|filters|guidelines)\b"
    ),
)
_ROLE_MARKERS = (
    r"<\|\w{2,20}\|>|\[/?inst\]|<</?sys>>|</?(?:system|assistant|instructions?)>",
    r"(?:^|\n)\W{0,6}(?:system|assistant|developer)\W{0,3}:",
    (
        r"#{2,}\s*(?:system|instructions?|response|assistant)\b|```\s*system\b"
        r"|\[system\]|\b(?:begin|end) (?:of )?(?:system|user) (?:input|prompt|message)"
    ),
)
_PATTERNS = {
    Sign.OVERRIDE: _OVERRIDES,
    Sign.REVEAL: _REVEALS,
    Sign.BYPASS: _BYPASSES,
    Sign.PERSONA: _PERSONAS,
    Sign.ROLE_MARKER: _ROLE_MARKERS,
}
_COMPILED = {
    sign: tuple(re.compile(pattern) for pattern in patterns)
    for sign, patterns in _PATTERNS.items()
}
_SPACED = re.compile(r"(?:\b\w[ .\-_*]{1,2}){7,400}\w\b")
_SQUEEZED = re.compile(
    r"(?:ignore|disregard|forget)(?:all|the|your|any|every)*(?:previous|prior|above"
    r"|earlier|your)?(?:instruction|rule|guideline|prompt|directive)"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,8000}={0,2}")
_DIGIT_LETTERS = str.maketrans("013457@$", "oieastas")
_MIXED_WORD = re.compile(r"\b(?=\w*[a-z])\w*[013457@$]\w*")
# Letters of other scripts that look Latin, folded only inside a Latin word.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04cf\u03bf\u03bd",
    "aeopcyxijsdlov",
)
_HAS_LOOKALIKE = re.compile(r"\w*[a-zA-Z]\w*")
_TAGS = range(0xE0000, 0xE0080)


def fold(text: str) -> str:
    """One lower-case spelling: NFKC, nothing invisible, no foreign look-alikes."""
    text = text[:MAX_LENGTH]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)[:MAX_LENGTH]
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs"))
        text = _HAS_LOOKALIKE.sub(lambda m: m.group().translate(_LOOKALIKES), text)
        text = text.replace("\u2019", "'")
    return text.lower()


def find_signs(text: str) -> frozenset[Sign]:
    """Every sign in a text, also under a disguise."""
    text = text[:MAX_LENGTH]
    folded = fold(text)
    signs = _matched(folded)
    if _is_invisible(text):
        signs |= {Sign.INVISIBLE}
    if _is_disguised(folded):
        signs |= {Sign.DISGUISED}
    for decoded in _decoded(text):
        signs |= {Sign.ENCODED}
        if _matched(fold(decoded)) & STRONG:
            signs |= {Sign.DISGUISED}
    return signs


def _matched(folded: str) -> frozenset[Sign]:
    return frozenset(
        sign
        for sign, patterns in _COMPILED.items()
        if any(pattern.search(folded) for pattern in patterns)
    )


def _is_invisible(text: str) -> bool:
    """Tag characters, or zero-width and direction marks within words."""
    if text.isascii():
        return False
    if any(ord(character) in _TAGS for character in text):
        return True
    hidden = sum(
        unicodedata.category(text[i]) == "Cf"
        and text[i - 1].isalpha()
        and text[i + 1].isalpha()
        for i in range(1, len(text) - 1)
    )
    return hidden >= 2


def _is_disguised(folded: str) -> bool:
    """Find an override in spaced letters or with digits for letters."""
    spaced = (re.sub(r"[^a-z]", "", m.group()) for m in _SPACED.finditer(folded))
    if any(_SQUEEZED.search(letters) for letters in spaced):
        return True
    plain = _MIXED_WORD.sub(lambda m: m.group().translate(_DIGIT_LETTERS), folded)
    return plain != folded and Sign.OVERRIDE in _matched(plain)


def _decoded(text: str) -> list[str]:
    """Read the base64 runs of the text that say something readable."""
    found = []
    for match in _BASE64.finditer(text):
        blob = match.group().rstrip("=").replace("-", "+").replace("_", "/")
        try:
            plain = base64.b64decode(blob + "=" * (-len(blob) % 4), validate=True)
            words = plain.decode("utf-8")
        except (binascii.Error, ValueError):
            continue
        if words.isprintable() and sum(c.isalpha() or c == " " for c in words) > (
            0.8 * len(words)
        ):
            found.append(words)
    return found
