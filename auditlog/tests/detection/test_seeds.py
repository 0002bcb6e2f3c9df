"""Migrations that change seeded rules leave alone what an administrator changed."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Final

import pytest
from django.apps import apps
from django.db import connection

from auditlog.models import DetectionRule

pytestmark = pytest.mark.django_db
EDITOR: Final = SimpleNamespace(connection=connection)
BOTH: Final = ["accounts.sign_in_failed", "accounts.second_factor_failed"]


def events_of(name: str) -> object:
    """Return which events the rule counts, first of all."""
    told = DetectionRule.objects.get(name=name).parameters
    return told.get("first", told)["events"]


def test_wrong_codes_are_counted_where_the_events_are_the_seeded_ones() -> None:
    codes = import_module("auditlog.migrations.0012_count_wrong_codes")
    own = DetectionRule.objects.get(name="failed_sign_ins_in_1_hour")
    own.parameters = {"events": ["accounts.token_reuse"], "more_than": 5}
    own.save()
    stricter = DetectionRule.objects.get(name="failed_sign_ins_in_5_minutes")
    stricter.parameters["more_than"] = 2
    stricter.save()

    codes.uncount(apps, EDITOR)
    before = [events_of(name) for name in codes.SEEDED]
    codes.count(apps, EDITOR)

    assert before.count(["accounts.sign_in_failed"]) == len(codes.SEEDED) - 1
    for name in codes.SEEDED:
        expected = ["accounts.token_reuse"] if name == own.name else BOTH
        assert events_of(name) == expected
    stricter.refresh_from_db()
    assert stricter.parameters["more_than"] == 2
