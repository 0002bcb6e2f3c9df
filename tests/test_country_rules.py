"""From an address to an alert: sign-ins over the API, a country file, the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tests.factories import PASSWORD
from auditlog.models import Alert, Event, RiskSignal
from auditlog.services.detection import run_rules
from auditlog.services.detection.engine import effective_rules
from chatsec.core import countries
from chatsec.core.crypto import subject_keys
from chatsec.core.tests.country_files import country_file, forget_countries

pytestmark = pytest.mark.django_db
HOME, NEXT_DOOR, ABROAD, ABROAD_6 = (
    "192.0.2.7",
    "192.0.2.9",
    "198.51.100.4",
    "2001:db8::4",
)
RECORDS = {
    "192.0.2.0/24": {"country": {"iso_code": "IS"}},
    "198.51.100.0/24": {"country": {"iso_code": "NZ"}},
    "2001:db8::/32": {"country": {"iso_code": "NZ"}},
}
SignIn = Callable[..., Event]


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Iterator[Path]:
    path = tmp_path / "countries.mmdb"
    path.write_bytes(country_file(RECORDS, record_size=28))
    settings.CHATSEC_GEOIP_FILE = str(path)
    forget_countries()
    yield path
    forget_countries()


@pytest.fixture
def sign_in(alice: Any) -> SignIn:
    """Return what signs alice in from an address, and returns the evidence."""

    def enter(address: str) -> Event:
        told = {"username": "alice", "password": PASSWORD}
        client = APIClient(REMOTE_ADDR=address)
        answer = client.post("/api/v1/auth/token", told, format="json")
        assert answer.status_code == 200, answer.content
        rows = Event.objects.filter(event_type="accounts.signed_in")
        return rows.order_by("-event_id")[0]

    return enter


def scan(*names: str) -> None:
    chosen = [spec for spec in effective_rules() if spec.name in names]
    assert len(chosen) == len(names)
    run_rules(now=timezone.now() + timedelta(seconds=1), rules=chosen)


@pytest.mark.parametrize("address", [ABROAD, ABROAD_6])
def test_two_countries_at_once_are_an_alert(
    file: Path, sign_in: SignIn, alice: Any, address: str
) -> None:
    assert sign_in(HOME).country == "IS"
    assert sign_in(address).country == "NZ"

    scan("two_countries_in_30_minutes")

    (alert,) = Alert.objects.filter(rule="two_countries_in_30_minutes")
    assert alert.actor_pseudonym == subject_keys().pseudonym(alice.pk)


def test_two_addresses_of_one_country_are_none(file: Path, sign_in: SignIn) -> None:
    sign_in(HOME)
    sign_in(NEXT_DOOR)

    scan("two_countries_in_30_minutes")

    assert not Alert.objects.exists()


def test_a_new_country_is_a_sign_for_whom_one_is_known(
    file: Path, sign_in: SignIn, alice: Any
) -> None:
    sign_in(HOME)
    sign_in(ABROAD)
    scan("new_country")
    assert not RiskSignal.objects.exists()
    forget_signs()

    for _ in range(3):
        sign_in(HOME)
    file.write_bytes(country_file({"198.51.100.0/24": {"country": "PT"}}))
    forget_countries()
    assert sign_in(ABROAD).country == "PT"
    scan("new_country")

    (sign,) = RiskSignal.objects.filter(rule="new_country")
    assert sign.actor_pseudonym == subject_keys().pseudonym(alice.pk)


def forget_signs() -> None:
    """Let the next scan look at everything of the last hour again."""
    from auditlog.models import RuleRun

    RuleRun.objects.all().delete()


@pytest.mark.parametrize("worse", ["gone", "cut", "no database", "damaged"])
def test_a_bad_file_refuses_nobody_and_raises_no_alert(
    file: Path, sign_in: SignIn, worse: str
) -> None:
    whole = file.read_bytes()
    contents = {
        "cut": whole[: len(whole) // 2],
        "no database": b"x" * 200,
        "damaged": b"\xff" * 200 + whole[200:],
    }
    if worse == "gone":
        file.unlink()
    else:
        file.write_bytes(contents[worse])
    forget_countries()

    found = {sign_in(HOME).country, sign_in(ABROAD).country}
    scan("two_countries_in_30_minutes", "new_country")

    assert found == {""}
    assert not countries.are_known()
    assert not Alert.objects.exists()


def test_a_file_that_comes_while_running_counts_from_then_on(
    file: Path, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(countries, "CHECK_SECONDS", 0)
    kept = file.read_bytes()
    file.unlink()
    forget_countries()
    assert sign_in(HOME).country == ""

    new = file.with_suffix(".new")
    new.write_bytes(kept)
    new.replace(file)

    assert sign_in(HOME).country == "IS"


def test_the_log_is_searched_by_country(
    file: Path, sign_in: SignIn, api: Any, admin: Any
) -> None:
    here, there = sign_in(HOME), sign_in(ABROAD)

    asked = {"country": "NZ", "type": "accounts.signed_in"}
    found = api(admin).get("/api/v1/audit/events", asked).json()["results"]

    assert [row["id"] for row in found] == [str(there.event_id)]
    assert found[0]["country"] == "NZ"
    assert here.country == "IS"
