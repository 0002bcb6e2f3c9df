"""Retraining from the catalogue gives a signed model that is used at once."""

import json

import pytest
from django.core.management import CommandError, call_command

from chat.interpretation import ModelRejected, interpret, load_model
from chat.models import QueryDefinition
from chat.stages.understanding import MODEL_KEY, current_model, model_path
from chatsec.core import crypto

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.CHATSEC_DATA_DIR = tmp_path


def test_it_learns_the_catalogue_and_a_changed_model_is_rejected(catalogue, capsys):
    keys = ["team_sales", "salary", "faq"]
    QueryDefinition.objects.exclude(key__in=keys).update(enabled=False)

    call_command("train_intents")

    printed = capsys.readouterr().out
    path = model_path()
    assert str(path) in printed
    assert json.loads(printed[: printed.rindex("}") + 1])
    model = current_model()
    assert model is not None
    assert interpret("Show me team sales for Q4", model=model).query == "team_sales"
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    with pytest.raises(ModelRejected):
        load_model(path, key=crypto.derived_key(MODEL_KEY))


def test_it_refuses_an_empty_catalogue():
    with pytest.raises(CommandError):
        call_command("train_intents")
