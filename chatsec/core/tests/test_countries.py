"""The country of an address is what the file says, or unknown; it never fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatsec.core import checks, countries
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


@pytest.mark.parametrize("record_size", [24, 28, 32])
def test_it_reads_every_size_of_record_and_both_versions(
    file: Path, record_size: Any
) -> None:
    records = {**RECORDS, "2001:db8::/32": {"country": {"iso_code": "NZ"}}}
    file.write_bytes(country_file(records, record_size=record_size))

    assert country_of("2001:db8::7") == "NZ"
    assert country_of("192.0.2.7") == "IS"
    assert country_of("2001:db9::1") == ""


def replaced(file: Path, content: bytes) -> None:
    """Put another file in its place at once, as tools that fetch them do."""
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)


def test_a_new_file_counts_without_a_restart(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(countries, "CHECK_SECONDS", 0)
    assert country_of("192.0.2.7") == "IS"

    replaced(file, country_file({"192.0.2.0/24": {"country": "NO"}}))

    assert country_of("192.0.2.7") == "NO"
    assert countries.are_known()


@pytest.mark.django_db
@pytest.mark.parametrize("worse", ["gone", "empty", "no database", "cut"])
def test_a_worse_file_changes_nothing_but_what_health_says(
    file: Path, client: Any, monkeypatch: pytest.MonkeyPatch, worse: str
) -> None:
    monkeypatch.setattr(countries, "CHECK_SECONDS", 0)
    whole = file.read_bytes()
    assert country_of("192.0.2.7") == "IS"
    assert countries.are_known()

    if worse == "gone":
        file.unlink()
    else:
        content = {
            "empty": b"",
            "no database": b"x" * 99,
            "cut": whole[: len(whole) // 2],
        }
        replaced(file, content[worse])

    assert country_of("192.0.2.7") == "IS"
    ready = client.get("/readyz").json()
    assert ready == {"status": "ready", "degraded": ["countries"]}
    assert not countries.are_known()
    replaced(file, country_file({"192.0.2.0/24": {"country": "NO"}}))
    assert country_of("192.0.2.7") == "NO"
    assert countries.are_known()


_CUT_WHILE_OPEN = """
import os, sys
from django.conf import settings
settings.configure(CHATSEC_GEOIP_FILE=sys.argv[1])
from chatsec.core.countries import country_of
assert country_of("192.0.2.7") == "IS"
os.truncate(sys.argv[1], 0)
for last in range(255):
    country_of(f"198.51.100.{last}")
"""


def test_a_file_that_is_cut_off_in_place_ends_no_process(
    file: Path, settings: Any
) -> None:
    # Larger than a page, so that what is cut off was mapped.
    many = {f"10.{n}.0.0/16": {"country": "DE"} for n in range(256)}
    file.write_bytes(country_file({**RECORDS, **many}))

    ended = subprocess.run(
        [sys.executable, "-c", _CUT_WHILE_OPEN, str(file)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("at", [0, 1, 8, 40, 90])
def test_a_damaged_file_makes_nothing_fail(file: Path, at: int) -> None:
    damaged = bytearray(file.read_bytes())
    damaged[at : at + 8] = b"\xff" * 8
    file.write_bytes(bytes(damaged))

    assert isinstance(country_of("192.0.2.7"), str)
