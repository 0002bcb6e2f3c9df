"""The released model."""

import pytest

from privacy.pii.tagger import MODEL, MODEL_SHA256, CorruptModel, Tagger, get_tagger


def test_it_refuses_a_file_that_is_not_the_released_one(tmp_path):
    damaged = tmp_path / "names.crfsuite"
    damaged.write_bytes(MODEL.read_bytes() + b"\0")

    with pytest.raises(CorruptModel):
        Tagger(damaged)


def test_the_card_names_the_file_that_is_shipped():
    card = MODEL.with_name("MODEL_CARD.md").read_text(encoding="utf-8")

    assert MODEL_SHA256 in card
    assert "CC BY 4.0" in card


def test_it_is_small():
    assert MODEL.stat().st_size < 3 * 2**20


def test_it_is_surer_of_a_name_than_of_a_verb():
    ask, jane, smith = get_tagger().person_marginals(["ask", "Jane", "Smith"])

    assert min(jane, smith) > 0.5 > ask


def test_it_answers_nothing_about_nothing():
    assert get_tagger().person_marginals([]) == []
