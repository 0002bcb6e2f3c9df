"""The page that says how long events are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from auditlog import selectors
from auditlog.constants import RETENTION_DAYS
from auditlog.services import partitions
from auditlog.tests.factories import Somebody, make_actor, make_event

pytestmark = pytest.mark.django_db
PAGE = "/admin/audit/retention"


def of_access(**later: Any) -> dict[str, str]:
    """Return the states of the partitions of accesses, by the month that they begin."""
    kept = selectors.read_retention(now=timezone.now() + timedelta(**later))
    (access,) = [each for each in kept if each.category == "access"]
    return {f"{part.begins_at:%Y-%m}": part.state for part in access.parts}


def month() -> str:
    return f"{timezone.now():%Y-%m}"


def test_auditors_and_nobody_else_see_it(
    browser: Any, auditor: Any, charlie: Any
) -> None:
    page = browser(auditor).get(PAGE)

    assert page.status_code == 200
    assert browser(charlie).get(PAGE).status_code in {302, 403}
    text = page.content.decode()
    for category, days in RETENTION_DAYS.items():
        assert f"{category}: {days} days" in text
    assert f"event_access_{timezone.now():%Y_%m}" in text
    assert PAGE in browser(auditor).get("/admin/audit/seals").content.decode()


def test_a_partition_goes_when_its_youngest_event_may() -> None:
    kept = selectors.read_retention(now=timezone.now())

    for each in kept:
        assert each.parts
        assert each.rows == sum(part.rows for part in each.parts)
        for part in each.parts:
            assert part.goes_at - part.ends_at == timedelta(days=each.days)
            assert part.begins_at < part.ends_at


def test_it_names_what_is_written_kept_due_and_for_later() -> None:
    assert of_access()[month()] == "written"
    assert set(list(of_access().values())[-3:]) == {"ahead"}
    assert of_access(days=40)[month()] == "kept"
    assert of_access(days=130)[month()] == "due"


@pytest.mark.django_db(databases=["default", "retention"])
def test_it_agrees_with_what_retention_drops() -> None:
    """The functions of the owner decide; the page reads the same catalogue."""
    dropped = {each.name: each.ends_at for each in partitions.list_partitions()}

    kept = selectors.read_retention(now=timezone.now())

    shown = {part.name: part.ends_at for each in kept for part in each.parts}
    assert shown == dropped


@pytest.mark.parametrize("state", ["held", "due"])
def test_a_legal_hold_keeps_what_is_about_somebody(
    monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    somebody, other = Somebody(), Somebody()
    make_event(actor=make_actor(somebody))
    found = frozenset({somebody.id if state == "held" else other.id})
    monkeypatch.setattr("privacy.selectors.held_subjects", lambda: found)

    assert of_access()[month()] == "written"
    assert of_access(days=130)[month()] == state
