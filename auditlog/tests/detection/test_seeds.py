"""Migrations that change seeded rules leave alone what an administrator changed."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Final

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from auditlog import events
from auditlog.models import DetectionRule, RuleException
from auditlog.rules import FLOOR
from auditlog.services import detection
from auditlog.services.detection.evaluation import exemptions
from auditlog.services.detection.exempting import Exempted
from auditlog.tests.detection.factories import every, make_events, pseudonym_of
from auditlog.tests.factories import make_actor

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


def test_exceptions_that_counted_before_they_had_to_be_approved_go_on() -> None:
    module = import_module("auditlog.migrations.0019_approved_exceptions")
    for name in ("denials_in_1_hour", "blocked_messages"):
        detection.make_exception(
            DetectionRule.objects.get(name=name).id,
            Exempted(network_hash=b"n" * 16),
            reason="A load test",
            expires_at=timezone.now() + timedelta(days=1),
        )

    module.approve(apps, EDITOR)

    assert set(module.FLOOR) == set(FLOOR)
    found = {each.rule.name: each for each in RuleException.objects.all()}
    assert found["denials_in_1_hour"].approved_at is not None
    assert found["blocked_messages"].approved_at is None
    assert set(exemptions(now=timezone.now())) == set(found)


def test_limits_are_exchanged_where_they_are_the_seeded_ones() -> None:
    seeds = import_module("auditlog.migrations.0021_seed_surprise")
    own = DetectionRule.objects.get(name="denials_in_3_days")
    own.parameters = {**own.parameters, "more_than": 3}
    own.save()

    def limits() -> dict[str, object]:
        rows = DetectionRule.objects.filter(name__in=[row[0] for row in seeds.CHANGED])
        return {
            row.name: row.parameters.get("more_than", row.parameters.get("at_least"))
            for row in rows
        }

    after = limits()
    seeds.unseed(apps, EDITOR)
    before = limits()
    assert not DetectionRule.objects.filter(kind="surprise").exists()
    seeds.seed(apps, EDITOR)

    assert before == {
        "denials_in_24_hours": 5,
        "denials_in_3_days": 3,
        "off_hours_reads": 10,
    }
    assert limits() == after
    assert DetectionRule.objects.filter(kind="surprise").count() == len(seeds.NEW)


MOVES: Final = ("0023_rank_limits", "0024_weigh_what_goes_together")


@pytest.mark.parametrize("name", MOVES)
def test_limits_and_weights_move_where_they_are_the_seeded_ones(name: str) -> None:
    for later in reversed(MOVES[MOVES.index(name) :]):
        import_module(f"auditlog.migrations.{later}").change_back(apps, EDITOR)
    module = import_module(f"auditlog.migrations.{name}")
    own = DetectionRule.objects.get(name="risk")
    own.parameters = {"at_least": 60}
    own.save()

    def told() -> dict[str, tuple[object, int]]:
        rows = DetectionRule.objects.filter(name__in=[row[0] for row in module.CHANGED])
        return {row.name: (row.parameters, row.risk) for row in rows}

    before = told()
    module.change(apps, EDITOR)
    after = told()
    module.change_back(apps, EDITOR)

    changed = {row[0] for row in module.CHANGED if before[row[0]] != after[row[0]]}
    assert changed == set(before) - {"risk"}
    assert told() == before


def test_rules_about_places_are_added_beside_an_administrators_own() -> None:
    module = import_module("auditlog.migrations.0018_seed_origin_rules")
    names = {row[0] for row in module.SIGN_INS + module.PLACES}
    seeded = DetectionRule.objects.filter(name__in=names)
    assert len(seeded) == len(names)

    module.unseed(apps, EDITOR)
    assert not seeded.all().exists()
    own = DetectionRule.objects.create(
        name="spray_of_a_stranger",
        title="Mine",
        kind="event_count",
        parameters={"events": ["accounts.sign_in_failed"], "more_than": 9},
        window_seconds=60,
        group="network",
        severity="notice",
    )
    module.seed(apps, EDITOR)

    assert len(seeded.all()) == len(names)
    own.refresh_from_db()
    assert own.title == "Mine"


def test_evidence_is_counted_with_exports_where_the_rule_is_the_seeded_one() -> None:
    module = import_module("auditlog.migrations.0027_count_evidence")
    seeded = DetectionRule.objects.get(name="audit_export")
    assert len(seeded.parameters["events"]) == 2

    module.uncount(apps, EDITOR)
    seeded.refresh_from_db()
    assert seeded.parameters["events"] == ["auditlog.export_started"]
    assert not DetectionRule.objects.filter(name=module.NAME).exists()
    seeded.parameters = {**seeded.parameters, "events": ["chat.message_blocked"]}
    seeded.save()
    module.count(apps, EDITOR)

    assert events_of("audit_export") == ["chat.message_blocked"]
    assert DetectionRule.objects.filter(name=module.NAME).exists()


@pytest.mark.parametrize("name", ["audit_export", "audit_export_off_hours"])
def test_rules_about_exports_can_be_tried(name: str) -> None:
    now = timezone.now()
    who = pseudonym_of(make_actor())
    make_events(
        events.EVIDENCE_EXPORTED,
        every(timedelta(seconds=1), count=4, until=now),
        actor_pseudonym=who,
    )
    spec = DetectionRule.objects.get(name=name).spec

    result = detection.dry_run(spec, since=now - timedelta(days=7), until=now)

    # Without a custom of hours nothing is at an odd one.
    whom = [] if name.endswith("hours") else [who]
    assert [each.actor_pseudonym for each in result.findings] == whom
