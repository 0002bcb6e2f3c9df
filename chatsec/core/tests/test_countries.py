"""The country of an address is what the file says, or unknown; it never fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatsec.core import checks
from chatsec.core.countries import country_of
from chatsec.core.tests.country_files import country_file, forget_countries

RECORDS: dict[str, Any] = {
    "192.0.2.0/24": {"country": {"iso_code": "IS"}},
    "198.51.100.0/25": {"country": "FR"},
    "198.51.100.128/25": {"country_code": "JP"},
    "203.0.113.0/26": {"continent": {"code": "EU"}},
    "203.0.113.64/26": {"country": {"iso_code": 7}},
    "203.0.113.128/26": {"country": "France"},
}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    forget_countries()
    yield
    forget_countries()


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    path = tmp_path / "countries.mmdb"
    path.write_bytes(country_file(RECORDS))
    settings.CHATSEC_GEOIP_FILE = str(path)
    return path


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.7", "IS"),
        ("198.51.100.1", "FR"),
        ("198.51.100.200", "JP"),
        ("203.0.113.1", ""),
        ("203.0.113.70", ""),
        ("203.0.113.130", ""),
        ("10.0.0.1", ""),
        ("2001:db8::1", ""),
        ("no address", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_it_says_what_the_file_says(
    file: Path, address: str | None, country: str
) -> None:
    assert country_of(address) == country
    assert checks.countries_can_be_looked_up(None) == []


def test_without_a_file_every_country_is_unknown(settings: Any) -> None:
    settings.CHATSEC_GEOIP_FILE = ""

    assert country_of("192.0.2.7") == ""
    assert checks.countries_can_be_looked_up(None) == []


@pytest.mark.parametrize("content", [None, b"", b"no database", "cut"])
def test_a_file_that_cannot_be_read_is_told_at_start(
    file: Path, settings: Any, content: bytes | str | None
) -> None:
    whole = file.read_bytes()
    file.unlink()
    if content is not None:
        cut = whole[: whole.index(b"MaxMind.com")]
        file.write_bytes(content if isinstance(content, bytes) else cut)

    assert country_of("192.0.2.7") == ""
    (warned,) = checks.countries_can_be_looked_up(None)
    assert (warned.id, warned.is_serious()) == ("core.E004", False)

    settings.PRODUCTION = True
    (refused,) = checks.countries_can_be_looked_up(None)
    assert refused.is_serious()


@pytest.mark.parametrize("at", [0, 1, 8, 40, 90])
def test_a_damaged_file_makes_nothing_fail(file: Path, at: int) -> None:
    damaged = bytearray(file.read_bytes())
    damaged[at : at + 8] = b"\xff" * 8
    file.write_bytes(bytes(damaged))

    assert isinstance(country_of("192.0.2.7"), str)
