"""Writes the name lists in ``privacy/pii/data`` from Faker's provider tables.

Run with an interpreter that has Faker (it is no run-time dependency)::

    python privacy/pii/training/build_gazetteers.py NAMES_JSONL
"""

import argparse
import importlib
import importlib.util
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
WORD = re.compile(r"[a-z][a-z'\-]+")
ATTRIBUTES = re.compile(
    r"^(first|last)(_romanized)?_names?(_(male|female|nonbinary|unisex))?$"
)
PLACES = re.compile(r"^(cities|city_names?|countries|states|municipalities)$")
# The "en" table repeats a census file with very rare names that are ordinary words.
WORD_LOCALES = ("de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "da_DK", "pl_PL")
# Lists by frequency have names among the words.
NAMES_IN_WORD_LISTS = frozenset(
    """
    juan andre antonio anders bjorn carlos claire cristiano dan dany donna felipe
    fernando francois garcia gonzalez jorge jose julio jung kristen lopez luis
    manuel marco maria martin miguel pablo pedro pierre pietro piotr rafael
    rodriguez sam sean stella tom bauer braun vogel schwarz weiss russo romano
    fuentes rosa luz mira han jan
    """.split()  # noqa: SIM905 - one long line otherwise
)
SKIPPED_LOCALES = frozenset({"en"})


_CYRILLIC_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяєіїґј"
# One a letter; a dot stands for a sign that is not written.
_LATIN = (
    "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch . y . e yu ya "
    "ye i yi g j"
)
_CYRILLIC = {
    ord(letter): latin
    for letter, latin in zip(_CYRILLIC_LETTERS, re.split(" ", _LATIN), strict=True)
}


def load_fold() -> Callable[[str], str]:
    """Return the library's own folding, without importing the whole library."""
    path = DATA.parent / "gazetteer.py"
    spec = importlib.util.spec_from_file_location("gazetteer", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folding: Callable[[str], str] = module.fold
    return folding


_fold = load_fold()


def fold(name: str) -> str:
    """Return the accent-free lower-case Latin form in which names are looked up."""
    return _fold(name.casefold().translate(_CYRILLIC).replace(".", ""))


def read_tables(package: str, attribute: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield (attribute, entry) of every locale's table in a Faker package."""
    root = importlib.import_module(package)
    for module in pkgutil.iter_modules(root.__path__):
        if module.name in SKIPPED_LOCALES:
            continue
        provider = importlib.import_module(f"{package}.{module.name}").Provider
        for name in dir(provider):
            table = getattr(provider, name)
            if attribute.match(name) and isinstance(table, Iterable | Mapping):
                yield from ((name, str(entry)) for entry in table)


def read_common_words(rows: Iterable[str], minimum: int) -> set[str]:
    """Return words that ordinary text writes in lower case outside any entity."""
    counts: Counter[str] = Counter()
    for row in rows:
        record = json.loads(row)
        text = list(record["text"])
        for start, end, _ in record["spans"]:
            text[start:end] = "\0" * (end - start)
        counts.update(re.findall(r"(?<![\w@#/.])[a-z]{2,}\b", "".join(text)))
    return {word for word, count in counts.items() if count >= minimum}


def read_lorem(locale: str) -> set[str]:
    """Return the folded ordinary words of one language."""
    module = importlib.import_module(f"faker.providers.lorem.{locale}")
    return {fold(word) for word in module.Provider.word_list if " " not in word}


def is_place(name: str) -> bool:
    """Tell whether a folded entry is a plain Latin-script place name."""
    return 3 <= len(name) <= 40 and all(WORD.fullmatch(part) for part in name.split())


def write(name: str, words: set[str]) -> None:
    """Write one sorted word a line."""
    (DATA / name).write_text("\n".join(sorted(words)) + "\n", encoding="utf-8")
    print(name, len(words))  # noqa: T201 - a command-line tool


def main() -> None:
    """Write first_names.txt, last_names.txt, places.txt and common_words.txt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names_jsonl", type=Path)
    arguments = parser.parse_args()
    names: dict[str, set[str]] = {"first": set(), "last": set()}
    for attribute, entry in read_tables("faker.providers.person", ATTRIBUTES):
        kind = attribute.split("_")[0]
        for part in fold(entry).split():
            if WORD.fullmatch(part) and 3 <= len(part) <= 24:
                names[kind].add(part)
    entries = read_tables("faker.providers.address", PLACES)
    places = {fold(entry) for _, entry in entries if is_place(fold(entry))}
    write("first_names.txt", names["first"])
    write("last_names.txt", names["last"])
    write("places.txt", places)
    with arguments.names_jsonl.open(encoding="utf-8") as rows:
        common = read_common_words(rows, minimum=3)
    write("common_words.txt", common | read_lorem("en_US"))
    foreign = set().union(*map(read_lorem, WORD_LOCALES))
    write("foreign_words.txt", foreign - NAMES_IN_WORD_LISTS)


if __name__ == "__main__":
    main()
