"""One spelling for every name: what sign-in, lockout and uniqueness all compare."""

import unicodedata

# Invisible but not of category Cf: combining grapheme joiner, Hangul and Khmer
# fillers, variation selectors. Left in, they would make look-alike names.
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
_VARIATION_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_IGNORED = frozenset(_INVISIBLE) | frozenset(_VARIATION_SELECTORS)


def fold_name(text: str) -> str:
    """Return the form in which variants of a name are equal (case, width, hidden).

    Folding twice changes nothing (Unicode 5.0, NFKC_Casefold, repeated until stable).
    """
    folded, before = text, ""
    while folded != before:
        before = folded
        visible = "".join(c for c in folded if not _is_ignored(c))
        folded = unicodedata.normalize("NFKC", visible).casefold().strip()
    return folded


def _is_ignored(character: str) -> bool:
    return ord(character) in _IGNORED or unicodedata.category(character) in {"Cf", "Cc"}


def one_line(value: str, *, limit: int) -> str:
    """Return the text on one line, without control characters, and not too long."""
    visible = "".join(each if each.isprintable() else " " for each in value)
    return " ".join(visible.split())[:limit].rstrip()
