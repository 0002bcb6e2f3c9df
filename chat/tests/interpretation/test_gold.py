"""Accuracy floors, a little below what was measured (see models/intents.md)."""

from chat.interpretation.slots import extract
from chat.tests.interpretation.gold import TODAY, read, share, utterances
from chat.training.intents import shipped_examples, shipped_negatives

REQUIRED_WORDINGS = {
    "show me team sales for q4",
    "show me all employee records",
    "employee records",
    "what's the salary of jane smith",
    "show me the financial report",
    "what are your opening hours",
    "how do i reset my password",
}


def test_it_has_enough_sentences_of_every_query():
    queries = [utterance.query for utterance in utterances()]

    assert len(queries) >= 400
    assert queries.count(None) >= 90
    assert set(shipped_examples()) == {query for query in queries if query}


def test_it_is_not_trained_on_the_gold_sentences():
    trained = {
        _bare(text) for texts in shipped_examples().values() for text in texts
    } | {_bare(text) for text in shipped_negatives()}

    assert {_bare(u.text) for u in utterances()} & trained <= REQUIRED_WORDINGS


def test_it_finds_the_query_that_is_meant():
    asked = [utterance for utterance in utterances() if utterance.query]

    assert share([read(u.text).query == u.query for u in asked]) >= 0.97


def test_it_hardly_ever_answers_another_query_than_the_one_meant():
    readings = [(u, read(u.text)) for u in utterances()]

    wrong = [r.band == "answer" and r.query != u.query for u, r in readings]

    assert share(wrong) <= 0.02


def test_it_names_the_query_meant_among_what_it_asks_back():
    asked = [(u, read(u.text)) for u in utterances() if u.query]
    unsure = [
        any(candidate.query == u.query for candidate in reading.candidates)
        for u, reading in asked
        if reading.band == "clarify"
    ]

    assert share(unsure) >= 0.9


def test_it_lifts_exactly_the_slots_of_a_sentence():
    asked = [utterance for utterance in utterances() if utterance.query]

    exact = [extract(u.text, at=TODAY).slots == u.slots for u in asked]

    assert share(exact) >= 0.99


def test_it_refuses_what_is_out_of_scope():
    outside = [utterance for utterance in utterances() if not utterance.query]

    assert share([read(u.text).band == "out_of_scope" for u in outside]) >= 0.9


def _bare(text: str) -> str:
    return text.lower().strip("?!. ")
