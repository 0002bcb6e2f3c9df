"""`manage.py build_common_passwords`: write the list that new passwords must not be in.

Lists of leaked passwords are full of short ones, which the minimum length refuses
already. What people do with a favourite when twelve characters are asked for is known:
they write it twice, join two of them, or put a year or "123!" behind it. The list has
the leaked passwords that are long enough, and the commonest of the others stretched in
those ways. Sources: the leaked passwords and words that come with zxcvbn (MIT; Mark
Burnett's ten million) and with Django (BSD; Royce Williams' leaked twenty thousand).
"""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from django.contrib.auth import password_validation
from django.core.management.base import BaseCommand
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from accounts.common_passwords import LIST, fold_password
from accounts.constants import MIN_PASSWORD_LENGTH

MAX_LENGTH = 32
REPEATED, JOINED, SUFFIXED, PREFIXED = 20_000, 300, 1_500, 1_000
DIGITS = ("1", "12", "123", "1234", "12345", "123456", "1234567", "12345678")
OTHERS = ("0", "00", "007", "01", "11", "22", "69", "99", "111", "321", "666", "777")
MARKS = ("!", "!!", ".", "?", "*", "@", "#", "1!", "12!", "123!", "1234!", "@123")
YEARS = tuple(str(year) for year in range(1980, 2031))
SUFFIXES = (*DIGITS, *OTHERS, *MARKS, *YEARS, *(f"{year}!" for year in YEARS[-12:]))
# What offices choose where a password has to be changed every three months.
OFFICE = [
    "spring",
    "summer",
    "autumn",
    "fall",
    "winter",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "welcome",
    "changeme",
    "password",
    "passwort",
    "company",
    "office",
    "secret",
    "login",
]
DATED = 250
RECENT = YEARS[30:]
ENDINGS = ("!", "!!", "!!!", ".", "#", "?", "$")
SEPARATORS = ("-", "_", ".", " ", "@", "#")
PREFIXES = ("my", "the", "123", "1234", "123456", "iloveyou", "ilove", "love", "big")
FAMOUS = ("correcthorsebatterystaple", "correct horse battery staple")
ROWS = (
    "1234567890",
    "0987654321",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "zaq12wsxcde34rfvbgt56yhn",
)


class Command(BaseCommand):
    """Writes `accounts/data/common_passwords.txt.xz`; the same input, the same file."""

    help = "Build the list of common passwords (for developers)."

    def handle(self, *args: object, **options: object) -> None:
        """Gather, fold, sort, pack."""
        folded = {fold_password(each) for each in _candidates()}
        kept = sorted(
            each for each in folded if MIN_PASSWORD_LENGTH <= len(each) <= MAX_LENGTH
        )
        text = "".join(f"{each}\n" for each in kept)
        LIST.parent.mkdir(exist_ok=True)
        LIST.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        size = LIST.stat().st_size // 1024
        self.stdout.write(f"{len(kept)} common passwords, {size} KiB.")


def _candidates() -> Iterator[str]:
    leaked = _leaked()
    yield from leaked
    yield from FAMOUS
    for words in FREQUENCY_LISTS.values():
        yield from words
    yield from _repeated(leaked[:REPEATED])
    yield from (a + b for a, b in product(leaked[:JOINED], repeat=2))
    yield from (a + b for a, b in product(leaked[:SUFFIXED], SUFFIXES))
    dated = (*OFFICE, *leaked[:DATED])
    yield from (a + y + e for a, y, e in product(dated, RECENT, ENDINGS))
    yield from (a + s + y for a, s, y in product(dated, SEPARATORS, RECENT))
    yield from (a + b for a, b in product(OFFICE, SUFFIXES))
    yield from (a + b for a, b in product(PREFIXES, leaked[:PREFIXED]))
    yield from _rows()


def _leaked() -> list[str]:
    """Return both lists of leaked passwords, the commonest first."""
    path = Path(password_validation.__file__).with_name("common-passwords.txt.gz")
    packed = gzip.decompress(path.read_bytes()).decode()
    ranks: dict[str, int] = {}
    for words in (FREQUENCY_LISTS["passwords"], packed.split()):
        for rank, word in enumerate(words):
            ranks[word] = min(rank, ranks.get(word, rank))
    return sorted(ranks, key=lambda word: (ranks[word], word))


def _repeated(words: Iterable[str]) -> Iterator[str]:
    """Yield each word as often as it takes, and once more."""
    for word in words:
        times = max(2, -(-MIN_PASSWORD_LENGTH // len(word)))
        yield word * times
        yield word * (times + 1)
        yield f"{word} {word}"
        yield word + word[::-1]


def _rows() -> Iterator[str]:
    """Yield runs along the keyboard, the digits and the alphabet, from each place."""
    for row in ROWS:
        endless = row * 4
        for start, length in product(range(len(row)), range(12, 27)):
            yield endless[start : start + length]
