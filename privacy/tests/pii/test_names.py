"""Names of people: written any way, and told from the words of a business."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.pii import Label, detect
from privacy.pii.candidates import is_quiet, propose, tokenise
from privacy.pii.gazetteer import words


def names(text):
    return [text[s.start : s.end] for s in detect(text) if s.label == Label.PERSON]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("salary of Jane Smith", ["Jane Smith"]),
        ("my sister Jane Smith", ["Jane Smith"]),
        ("my name is jane smith", ["jane smith"]),
        ("JANE SMITH called again", ["JANE SMITH"]),
        ("show me jane smith's sales", ["jane smith"]),
        ("Dr. Helena Marquez signed", ["Helena Marquez"]),
        ("Dear Mr. Abernathy,", ["Abernathy"]),
        ("Smith, Jane", ["Smith, Jane"]),
        ("Jean-Pierre Lefèvre est absent", ["Jean-Pierre Lefèvre"]),
        ("Anneliese von Bergmann", ["Anneliese von Bergmann"]),
        ("Ludwig van Beethoven wrote it", ["Ludwig van Beethoven"]),
        ("John Q. Public left", ["John Q. Public"]),
        ("ask Margaret O'Connell", ["Margaret O'Connell"]),
        ("Jürgen Müller hat gekündigt", ["Jürgen Müller"]),
        ("ju\u0308rgen Mu\u0308ller", None),
        ("Priya Raghunathan and Chen Wei", ["Priya Raghunathan", "Chen Wei"]),
        ("Mark Grace asked", ["Mark Grace"]),
        ("my name is Will", ["Will"]),
        ("my boss Grace", ["Grace"]),
        ("this is Kofi from accounting", ["Kofi"]),
        ('{"name": "Fatima Benali"}', ["Fatima Benali"]),
        ("who is Oluwaseun Adebayo?", ["Oluwaseun Adebayo"]),
        ("Best regards,\nAleksandr Petrov", ["Aleksandr Petrov"]),
        ("Jane Smith's bonus", ["Jane Smith"]),
        ("Alice, Bob and Charlie", ["Alice", "Bob", "Charlie"]),
        ("Austin Powers resigned", ["Austin Powers"]),
        ("Sofia Garcia Lopez", ["Sofia Garcia Lopez"]),
    ],
)
def test_it_finds_people(text, expected):
    if expected is None:
        assert names(text)
        return
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Show me total sales by region for last quarter",
        "What was the average deal size in the East region?",
        "How many employees are in Customer Support?",
        "Approve a discount of 12% for order 55123",
        "Marketing spend in December",
        "Top 5 reps by revenue",
        "Net Profit Margin and Operating Income",
        "Enterprise Plan and Starter Plan",
        "New York, Los Angeles and Paris offices",
        "Good Morning team",
        "Human Resources",
        "Bill of Materials",
        "Board of Directors meeting",
        "You don't have access to salary data.",
        "Please log in to use the chatbot",
        "chase the invoice and mark it as paid",
        "frank feedback in the long run",
        "Django REST Framework on Ruby on Rails",
        "Goldman Sachs and Morgan Stanley",
        "which region sold most laptops",
    ],
)
@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_it_leaves_business_words(text, change):
    assert names(change(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "the customer asked for another delivery date",
        "The order was late.",
        "",
        "42 of 50",
    ],
)
def test_ordinary_sentences_are_known_to_name_nobody(text):
    assert is_quiet(text)


@pytest.mark.parametrize(
    "text",
    [
        "the customer Smith asked",
        "jonathan asked for another date",
        "my name is xqzt",
        "ask Mark",
        "Order for Rose",
    ],
)
def test_what_might_be_a_name_is_looked_at_closely(text):
    assert not is_quiet(text)


SOME_WORDS = (
    *sorted(words("common_words"))[::40],
    *sorted(words("stop_words"))[::6],
    *("my", "name", "is", "Mr", "sister", "smith", "Rose", "mark", "it's"),
)


def written_somehow(word):
    return st.sampled_from([word, word.capitalize(), f"{word}'s"])


@given(
    st.lists(st.sampled_from(SOME_WORDS).flatmap(written_somehow), max_size=8),
    st.sampled_from([" ", ", ", ": ", ". ", "-", "_", "@", "'"]),
)
def test_whatever_is_quiet_proposes_no_name(parts, between):
    text = between.join(parts)
    if is_quiet(text):
        assert list(propose(text, tokenise(text))) == []
