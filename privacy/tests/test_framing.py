"""Sealed files: what was changed, moved or cut off does not open."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatsec.core.crypto import DecryptionFailed
from privacy.export.framing import (
    FRAME_BYTES,
    MAGIC,
    SALT_BYTES,
    TAG_BYTES,
    EncryptingWriter,
    decrypted,
    decrypted_lines,
)

KEY = bytes(range(32))
HEADER = len(MAGIC) + SALT_BYTES
SEALED_FRAME = FRAME_BYTES + TAG_BYTES


def written(path, *chunks: bytes, finish: bool = True):
    with path.open("wb") as raw:
        writer = EncryptingWriter(raw, key=KEY, name="one")
        for chunk in chunks:
            writer.write(chunk)
        if finish:
            writer.finish()
    return path


def read(path, *, key: bytes = KEY, name: str = "one") -> bytes:
    with path.open("rb") as raw:
        return b"".join(decrypted(raw, key=key, name=name))


@pytest.mark.parametrize(
    "size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES]
)
def test_it_opens_as_it_was_written(tmp_path, size):
    data = os.urandom(size)

    assert read(written(tmp_path / "f", data)) == data


@settings(max_examples=40)
@given(chunks=st.lists(st.binary(max_size=FRAME_BYTES), max_size=6))
def test_how_it_is_cut_into_writes_does_not_matter(tmp_path_factory, chunks):
    path = tmp_path_factory.mktemp("f") / "f"

    assert read(written(path, *chunks)) == b"".join(chunks)


def test_nothing_of_the_text_is_in_the_file(tmp_path):
    path = written(tmp_path / "f", b"canary" * 20_000)

    assert b"canary" not in path.read_bytes()


def test_the_same_text_twice_is_not_the_same_file(tmp_path):
    one = written(tmp_path / "one", b"text").read_bytes()

    assert one != written(tmp_path / "two", b"text").read_bytes()


def damaged(blob: bytes, how: str) -> bytes:
    first = blob[HEADER : HEADER + SEALED_FRAME]
    second = blob[HEADER + SEALED_FRAME : HEADER + 2 * SEALED_FRAME]
    rest = blob[HEADER + 2 * SEALED_FRAME :]
    return {
        "bit": blob[:-1] + bytes([blob[-1] ^ 1]),
        "salt": blob[:5] + bytes([blob[5] ^ 1]) + blob[6:],
        "cut": blob[:-1],
        "last frame dropped": blob[: HEADER + 2 * SEALED_FRAME],
        "swapped": blob[:HEADER] + second + first + rest,
        "repeated": blob[:HEADER] + first + first + second + rest,
        "dropped": blob[:HEADER] + second + rest,
        "longer": blob + b"x",
        "magic": b"XXXX" + blob[4:],
        "empty": b"",
        "header only": blob[:HEADER],
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "bit",
        "salt",
        "cut",
        "last frame dropped",
        "swapped",
        "repeated",
        "dropped",
        "longer",
        "magic",
        "empty",
        "header only",
    ],
)
def test_a_damaged_file_does_not_open(tmp_path, how):
    path = written(tmp_path / "f", os.urandom(2 * FRAME_BYTES + 100))

    path.write_bytes(damaged(path.read_bytes(), how))

    with pytest.raises(DecryptionFailed):
        read(path)


def test_an_unfinished_file_does_not_open(tmp_path):
    path = written(tmp_path / "f", os.urandom(2 * FRAME_BYTES), finish=False)

    with pytest.raises(DecryptionFailed):
        read(path)


@pytest.mark.parametrize(
    "other", [{"key": bytes(32)}, {"name": "two"}], ids=["key", "name"]
)
def test_another_key_or_name_does_not_open_it(tmp_path, other):
    path = written(tmp_path / "f", b"text")

    with pytest.raises(DecryptionFailed):
        read(path, **other)


def test_lines_come_back_whole(tmp_path):
    lines = [os.urandom(20_000).hex().encode() for _ in range(8)]
    path = written(tmp_path / "f", *[line + b"\n" for line in lines])

    with path.open("rb") as raw:
        assert list(decrypted_lines(raw, key=KEY, name="one")) == lines
