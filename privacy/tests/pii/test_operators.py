"""What is written instead of a finding."""

import pytest

from privacy.pii import KeyedToken, Vault, Vocabulary, redact
from privacy.pii.labels import PLACEHOLDER

TEXT = "Jane Smith, jane@example.com, (212) 555-1234, 123-45-6789, 4111 1111 1111 1111"
KEY = b"0123456789abcdef0123456789abcdef"


def test_it_writes_the_reference_labels_by_default():
    assert redact(TEXT) == (
        "[PERSON_REDACTED], [EMAIL_REDACTED], [PHONE_REDACTED], [SSN_REDACTED], "
        "[CC_REDACTED]"
    )


def test_it_masks_every_character():
    assert redact("mail jane@example.com now", operator="mask") == (
        "mail **************** now"
    )


def test_it_numbers_people_and_keeps_their_numbers_in_a_conversation():
    vocabulary = Vocabulary()

    first = redact("Ask Jane Smith or Raj Patel.", operator=vocabulary)
    second = redact("RAJ PATEL and Jane Smith agreed.", operator=vocabulary)

    assert first == "Ask <PERSON_1> or <PERSON_2>."
    assert second == "<PERSON_2> and <PERSON_1> agreed."
    assert vocabulary.values == {"<PERSON_1>": "Jane Smith", "<PERSON_2>": "Raj Patel"}


def test_two_conversations_number_on_their_own():
    assert redact("Raj Patel left", operator="placeholder") == "<PERSON_1> left"
    assert redact("Jane Smith left", operator="placeholder") == "<PERSON_1> left"


def test_equal_values_have_equal_tokens_under_one_key_only():
    token = KeyedToken(KEY)

    assert token("EMAIL", "a@b.co") == token("EMAIL", "A@B.CO")
    assert token("EMAIL", "a@b.co") != token("USERNAME", "a@b.co")
    assert token("EMAIL", "a@b.co") != KeyedToken(KEY[::-1])("EMAIL", "a@b.co")
    assert PLACEHOLDER.fullmatch(token("EMAIL", "a@b.co"))


def test_it_refuses_a_short_token_key():
    with pytest.raises(ValueError, match="at least 16"):
        KeyedToken(b"short")


def test_the_vault_gives_back_what_it_took():
    vault = Vault(KEY)

    sealed = redact(TEXT, operator=vault)

    assert "Jane" not in sealed
    assert "1111" not in sealed
    assert vault.restore(sealed) == TEXT


def test_the_vault_seals_equal_values_differently():
    vault = Vault(KEY)

    assert vault("EMAIL", "a@b.co") != vault("EMAIL", "a@b.co")


@pytest.mark.parametrize(
    "other", [Vault(KEY[::-1]), Vault(KEY, context="another conversation")]
)
def test_another_key_or_context_reveals_nothing(other):
    sealed = redact(TEXT, operator=Vault(KEY))

    assert other.restore(sealed) == sealed


def test_a_token_with_another_label_is_not_opened():
    vault = Vault(KEY)
    sealed = vault("EMAIL", "a@b.co").replace("EMAIL", "PERSON")

    assert vault.restore(sealed) == sealed


@pytest.mark.parametrize("cut", [1, 20, -6])
def test_a_damaged_token_is_left_as_it_is(cut):
    vault = Vault(KEY)
    sealed = vault("EMAIL", "a@b.co")
    damaged = sealed[:cut] + ("A" if sealed[cut] != "A" else "B") + sealed[cut:][1:]

    assert vault.restore(damaged) == damaged


def test_what_the_vault_wrote_is_no_finding():
    vault = Vault(KEY)
    sealed = redact(TEXT, operator=vault)

    assert redact(sealed, operator=vault) == sealed


def test_a_made_up_placeholder_does_not_hide_a_number():
    assert "555" not in redact("<PHONE_2125551234>")
    assert "jane" not in redact("<EMAIL:jane@example.com>")


def test_it_refuses_an_unknown_operator():
    with pytest.raises(ValueError, match="Unknown operator"):
        redact("x", operator="rot13")
