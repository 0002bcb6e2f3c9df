import io
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from chat.interpretation import (
    ModelRejected,
    interpret,
    load_model,
    save_model,
    shipped_model,
)
from chat.interpretation.pins import INTENTS_SHA256
from chat.interpretation.storage import encode, load_pinned
from chat.tests.interpretation.gold import TODAY, utterances

KEY = bytes(range(32))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "retrained.npz"
    save_model(shipped_model(), path, key=KEY)
    return path


def test_it_loads_back_what_it_saved(saved):
    model = load_model(saved, key=KEY)

    for utterance in utterances()[::20]:
        assert interpret(utterance.text, at=TODAY, model=model) == interpret(
            utterance.text, at=TODAY
        )


def test_it_gives_the_same_bytes_for_the_same_model(saved):
    assert encode(load_model(saved, key=KEY)) == encode(shipped_model())


@pytest.mark.parametrize("place", [0, 100, -1, -40, -60, 5000])
def test_it_refuses_a_file_with_one_changed_byte(saved, place):
    content = bytearray(saved.read_bytes())
    content[place] ^= 1
    saved.write_bytes(bytes(content))

    with pytest.raises(ModelRejected):
        load_model(saved, key=KEY)


def test_it_refuses_another_key(saved):
    with pytest.raises(ModelRejected):
        load_model(saved, key=bytes(32))


def test_it_refuses_a_short_key(saved):
    with pytest.raises(ValueError, match="32 bytes"):
        load_model(saved, key=b"short")


@pytest.mark.parametrize("content", [b"", b"x", b"chatsec-model-v1\n" + bytes(32)])
def test_it_refuses_a_file_that_is_no_model(tmp_path, content):
    path = tmp_path / "junk.npz"
    path.write_bytes(content)

    with pytest.raises(ModelRejected):
        load_model(path, key=KEY)


def test_it_refuses_a_missing_file(tmp_path):
    with pytest.raises(ModelRejected):
        load_model(tmp_path / "none.npz", key=KEY)


def test_it_refuses_a_usable_model_that_is_not_the_pinned_one(tmp_path):
    other = replace(shipped_model(), card={**shipped_model().card, "examples": 1})
    path = tmp_path / "intents.npz"
    path.write_bytes(encode(other))

    with pytest.raises(ModelRejected, match="not the file that was shipped"):
        load_pinned(path, sha256=INTENTS_SHA256)


class _Trap:
    """Makes a directory when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_it_never_unpickles(saved, tmp_path, monkeypatch):
    """A file with a valid signature that holds objects is refused all the same."""
    sprung = tmp_path / "sprung"
    buffer = io.BytesIO()
    array = np.array([_Trap(sprung)], dtype=object)
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("card.npy", buffer.getvalue())
    monkeypatch.setattr(
        "chat.interpretation.storage.encode", lambda _: archive.getvalue()
    )
    save_model(shipped_model(), saved, key=KEY)

    with pytest.raises(ModelRejected):
        load_model(saved, key=KEY)
    assert not sprung.exists()


def test_it_leaves_the_old_file_when_writing_fails(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(_handle):
        raise OSError("disk full")

    monkeypatch.setattr("chat.interpretation.storage.os.fsync", fail)

    with pytest.raises(OSError, match="disk full"):
        save_model(shipped_model(), saved, key=KEY)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
