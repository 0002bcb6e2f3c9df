from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsec.core import crypto

KEY = bytes(range(32))
PLACE = crypto.Place("chat_message", "text", 7)
SUBJECT = UUID(int=1)


@given(st.binary(max_size=500), st.binary(max_size=60))
def test_what_is_sealed_opens_again(plaintext, bound_to):
    blob = crypto.seal(KEY, plaintext, associated_data=bound_to)

    assert crypto.open_sealed(KEY, blob, associated_data=bound_to) == plaintext
    assert len(blob) == len(plaintext) + 29


@pytest.mark.parametrize(
    ("key", "bound_to"), [(bytes(32), b"here"), (KEY, b"elsewhere")]
)
def test_it_opens_only_with_its_key_and_in_its_place(key, bound_to):
    blob = crypto.seal(KEY, b"secret", associated_data=b"here")

    with pytest.raises(crypto.DecryptionFailed):
        crypto.open_sealed(key, blob, associated_data=bound_to)


@given(st.integers(0, 200), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position, change):
    blob = bytearray(crypto.seal(KEY, b"secret", associated_data=b"here"))
    blob[position % len(blob)] ^= change

    with pytest.raises(crypto.DecryptionFailed):
        crypto.open_sealed(KEY, bytes(blob), associated_data=b"here")


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x02" * 60, b"\x01" * 13])
def test_what_is_no_blob_does_not_open(blob):
    with pytest.raises(crypto.DecryptionFailed):
        crypto.open_sealed(KEY, blob, associated_data=b"")


def test_keys_differ_by_purpose(settings):
    keys = {crypto.derived_key(label) for label in ("a", "b", "index:a")}

    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)


def test_equal_values_meet_in_the_blind_index_and_nothing_shows():
    index = crypto.blind_index("email", "alice@example.org")

    assert index == crypto.blind_index("email", "alice@example.org")
    assert index != crypto.blind_index("phone", "alice@example.org")
    assert b"alice" not in index


@pytest.mark.django_db
def test_a_text_of_one_person_does_not_open_as_another_ones():
    mine, other = uuid4(), uuid4()
    blob = crypto.seal_for(mine, "my secret", place=PLACE)

    assert crypto.open_for(mine, blob, place=PLACE) == "my secret"
    with pytest.raises(crypto.DecryptionFailed):
        crypto.open_for(other, blob, place=PLACE)
    with pytest.raises(crypto.DecryptionFailed):
        crypto.open_for(mine, blob, place=PLACE._replace(row=8))
