"""Checksums and number plans that tell an identifier from a number of its form."""

import re
from functools import cache
from importlib import import_module
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_CARD_LENGTHS: tuple[tuple[str, frozenset[int]], ...] = (
    (r"4", frozenset({13, 16, 19})),
    (r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)", frozenset({16})),
    (r"3[47]", frozenset({15})),
    (r"6(?:011|4[4-9]|5|22)", frozenset({16, 17, 18, 19})),
    (r"3(?:0[0-5]|[689])", frozenset({14, 15, 16, 17, 18, 19})),
    (r"35(?:2[89]|[3-8])", frozenset({16, 17, 18, 19})),
    (r"1800|2131", frozenset({15})),
    (r"62|81", frozenset({16, 17, 18, 19})),
    (r"50|5[6-9]|6[0-9]", frozenset(range(12, 20))),
    (r"220[0-4]|60|508|9792", frozenset({16, 17, 18, 19})),
)
_CARD_PREFIXES = tuple((re.compile(p), lengths) for p, lengths in _CARD_LENGTHS)
_IBAN_LENGTHS = dict(
    item.split(":")
    for item in [
        "AD:24",
        "AE:23",
        "AL:28",
        "AT:20",
        "AZ:28",
        "BA:20",
        "BE:16",
        "BG:22",
        "BH:22",
        "BI:27",
        "BR:29",
        "BY:28",
        "CH:21",
        "CR:22",
        "CY:28",
        "CZ:24",
        "DE:22",
        "DJ:27",
        "DK:18",
        "DO:28",
        "EE:20",
        "EG:29",
        "ES:24",
        "FI:18",
        "FK:18",
        "FO:18",
        "FR:27",
        "GB:22",
        "GE:22",
        "GI:23",
        "GL:18",
        "GR:27",
        "GT:28",
        "HN:28",
        "HR:21",
        "HU:28",
        "IE:22",
        "IL:23",
        "IQ:23",
        "IS:26",
        "IT:27",
        "JO:30",
        "KW:30",
        "KZ:20",
        "LB:28",
        "LC:32",
        "LI:21",
        "LT:20",
        "LU:20",
        "LV:21",
        "LY:25",
        "MC:27",
        "MD:24",
        "ME:22",
        "MK:19",
        "MN:20",
        "MR:27",
        "MT:31",
        "MU:30",
        "NI:28",
        "NL:18",
        "NO:15",
        "OM:23",
        "PK:24",
        "PL:28",
        "PS:29",
        "PT:25",
        "QA:29",
        "RO:24",
        "RS:22",
        "RU:33",
        "SA:24",
        "SC:31",
        "SD:18",
        "SE:24",
        "SI:19",
        "SK:24",
        "SM:27",
        "SO:23",
        "ST:25",
        "SV:28",
        "TL:23",
        "TN:24",
        "TR:26",
        "UA:29",
        "VA:22",
        "VG:24",
        "XK:20",
        "YE:30",
    ]
)


def is_luhn_valid(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        doubled = int(char) * (1 + index % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def has_card_prefix(digits: str) -> bool:
    """Tell whether issuer prefix and length fit a card network (ISO/IEC 7812)."""
    return any(
        len(digits) in lengths and prefix.match(digits)
        for prefix, lengths in _CARD_PREFIXES
    )


def is_card_number(digits: str) -> bool:
    """Tell whether the digits are a payment card number."""
    return len(set(digits)) > 1 and has_card_prefix(digits) and is_luhn_valid(digits)


def iban_length(value: str) -> int:
    """Return how many characters the country's IBANs have, 0 if it has none."""
    return int(_IBAN_LENGTHS.get(value[:2].upper(), 0))


def has_iban_length(value: str) -> bool:
    """Tell whether the length is the country's (ISO 13616 registry)."""
    return 0 < len(value) == iban_length(value)


def is_iban(value: str) -> bool:
    """Tell whether country, length and the mod 97 check fit (ISO 13616)."""
    compact = value.upper()
    if not has_iban_length(compact):
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def is_us_ssn(digits: str) -> bool:
    """Tell whether area, group and serial can have been issued (SSA rules, ITIN)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and group != "00" and serial != "0000"


def is_routing_number(digits: str) -> bool:
    """Tell whether the nine digits carry the ABA check digit."""
    weights = (3, 7, 1) * 3
    return (
        len(digits) == 9
        and digits != "000000000"
        and sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 10 == 0
    )


def is_ip_address(value: str) -> bool:
    """Tell whether the text is an IPv4 or IPv6 address that can name a host."""
    try:
        address = IPv6Address(value) if ":" in value else IPv4Address(value)
    except (AddressValueError, ValueError):
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)


@cache
def _stdnum(module: str) -> object:
    return import_module(f"stdnum.{module}")


def is_national_id(module: str, value: str) -> bool:
    """Tell whether python-stdnum's module finds the number valid."""
    return bool(_stdnum(module).is_valid(value))  # type: ignore[attr-defined]
