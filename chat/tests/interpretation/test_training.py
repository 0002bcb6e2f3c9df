import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.linear_model import LogisticRegression

from chat.interpretation import interpret, load_model, save_model, shipped_model
from chat.interpretation.model import mark_rare
from chat.interpretation.storage import encode
from chat.tests.interpretation.gold import TODAY
from chat.training.intents import shipped_examples, train_intents
from chat.training.linear import fit, vectorizers

EXAMPLES = {
    "pets": [
        f"{verb} my {animal}"
        for verb in ("feed", "walk")
        for animal in ("dog", "cat", "hamster", "goldfish", "parrot")
    ],
    "rooms": [
        f"{verb} the {room}"
        for verb in ("clean", "heat")
        for room in ("kitchen", "bedroom", "cellar", "attic", "hallway")
    ],
}
NEGATIVES = [
    f"{what} {place}"
    for what in ("weather in", "trains to", "news from")
    for place in ("paris", "rome", "oslo", "lima", "cairo")
]


def test_it_trains_a_catalogue_of_its_own(tmp_path):
    trained = train_intents(EXAMPLES, negatives=NEGATIVES)
    path = tmp_path / "own.npz"
    save_model(trained.model, path, key=bytes(32))

    model = load_model(path, key=bytes(32))

    assert interpret("please feed the dog", model=model, at=TODAY).query == "pets"
    assert interpret("heat the cellar", model=model, at=TODAY).query == "rooms"
    assert interpret("weather in Madrid", model=model, at=TODAY).query is None
    assert set(trained.card["thresholds"]) == {"clarify", "answer"}


def test_it_trains_the_same_model_from_the_same_examples():
    first = train_intents(EXAMPLES, negatives=NEGATIVES)
    second = train_intents(EXAMPLES, negatives=NEGATIVES)

    assert encode(first.model) == encode(second.model)


@pytest.mark.parametrize("examples", [{}, {"one": ["x"]}, {"oos": ["x"], "b": ["y"]}])
def test_it_refuses_catalogues_that_can_not_be_told_apart(examples):
    with pytest.raises(ValueError, match="Two queries"):
        train_intents(examples)


def test_it_copes_with_a_query_that_has_one_example():
    trained = train_intents({**EXAMPLES, "new": ["water the tulips"]})

    assert "new" in trained.model.labels


def test_it_scores_as_scikit_learn_does():
    texts = [text for texts in EXAMPLES.values() for text in texts] + NEGATIVES
    labels = ["a" if i % 3 else "b" if i % 2 else "c" for i in range(len(texts))]
    model = fit(texts, labels)
    marked = [mark_rare(text, model.known) for text in texts]
    words, characters = vectorizers()
    features = hstack([words.fit_transform(marked), characters.fit_transform(texts)])
    head = LogisticRegression(C=30.0, max_iter=300, tol=1e-3).fit(features, labels)

    expected = head.predict_proba(features)

    for text, row in zip(texts, expected, strict=True):
        assert np.allclose(model.probabilities(text), row, atol=1e-4)


def test_it_ships_a_model_of_the_shipped_examples():
    model = shipped_model()

    assert set(model.labels) == {*shipped_examples(), "oos"}
    assert model.card["queries"] == len(shipped_examples())
    assert (
        model.card["examples"]
        == sum(len(set(texts)) for texts in shipped_examples().values())
        + model.card["negatives"]
    )
