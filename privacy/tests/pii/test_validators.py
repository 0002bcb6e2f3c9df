"""Checksums and number plans."""

import pytest

from privacy.pii import validators


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("4111111111111111", True),
        ("378282246310005", True),
        ("4111111111111112", False),
        ("0000000000000000", False),
        ("9111111111111111", False),
        ("411111111111111", False),
    ],
)
def test_card_numbers(digits, valid):
    assert validators.is_card_number(digits) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("DE89370400440532013000", True),
        ("de89370400440532013000", True),
        ("DE89370400440532013001", False),
        ("DE8937040044053201300", False),
        ("ZZ89370400440532013000", False),
        ("", False),
    ],
)
def test_ibans(value, valid):
    assert validators.is_iban(value) is valid


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("123456789", True),
        ("000456789", False),
        ("666456789", False),
        ("123006789", False),
        ("123450000", False),
        ("912701234", True),
    ],
)
def test_social_security_numbers(digits, valid):
    assert validators.is_us_ssn(digits) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("203.0.113.9", True),
        ("10.0.0.1", True),
        ("2001:db8::1", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("0.0.0.0", False),
        ("256.1.1.1", False),
        ("11:34:35", False),
        ("1.2.3", False),
    ],
)
def test_addresses_of_hosts(value, valid):
    assert validators.is_ip_address(value) is valid


@pytest.mark.parametrize(
    ("digits", "valid"),
    [("021000021", True), ("021000022", False), ("000000000", False), ("1", False)],
)
def test_routing_numbers(digits, valid):
    assert validators.is_routing_number(digits) is valid
