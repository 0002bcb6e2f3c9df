"""Misspelt regions, departments, months and periods, put right before reading."""

from chat.interpretation.text import lowered, tokens
from chat.interpretation.vocabulary import COMMON_WORDS, FIRST_NAMES, Vocabulary


def corrected(text: str, vocabulary: Vocabulary) -> str:
    """Replace each unknown word by the one value word that it is near."""
    for token in reversed(tokens(text, lowered(text))):
        if (
            len(token.key) < 4
            or not token.key.isalpha()
            or _is_known(token.key, vocabulary)
        ):
            continue
        meant = vocabulary.spelling.correct(token.key)
        if meant is not None:
            end = token.start + len(token.key)
            text = text[: token.start] + meant + text[end:]
    return text


def _is_known(word: str, vocabulary: Vocabulary) -> bool:
    return word in COMMON_WORDS or word in FIRST_NAMES or word in vocabulary.known_words
