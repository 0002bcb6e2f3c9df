"""Rules change with a number and evidence; those of the floor get stricter alone."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connection

from auditlog.errors import RuleExists, RuleOutdated, RuleRefused
from auditlog.models import DetectionRule, Event
from auditlog.rules import FLOOR
from auditlog.services import detection
from auditlog.services.detection.engine import effective_rules
from auditlog.tests.detection.factories import (
    deny,
    person,
    rule_named,
    scan,
    terms_of,
)

pytestmark = pytest.mark.django_db


def change(rule: DetectionRule, **changes: object) -> DetectionRule:
    """Change the rule as who sees this version of it."""
    return detection.change_rule(
        rule.id, terms_of(rule, **changes), version=rule.version, reason="A test"
    )


class TestFloor:
    def test_it_runs_even_where_its_row_is_gone_or_loosened(self) -> None:
        DetectionRule.objects.filter(name="denials_in_1_hour").delete()
        DetectionRule.objects.filter(name="denials_in_5_minutes").update(
            parameters={"events": ["authorization_denied"], "more_than": 99}
        )

        specs = {spec.name: spec for spec in effective_rules()}

        assert specs["denials_in_1_hour"] == FLOOR["denials_in_1_hour"]
        assert specs["denials_in_5_minutes"] == FLOOR["denials_in_5_minutes"]

    @pytest.mark.parametrize(
        ("field", "changes"),
        [
            ("is_enabled", {"is_enabled": False}),
            ("parameters", {"parameters": {"events": ["error"], "more_than": 3}}),
            (
                "parameters",
                {"parameters": {"events": ["authorization_denied"], "more_than": 4}},
            ),
            (
                "parameters",
                {
                    "parameters": {
                        "events": ["authorization_denied"],
                        "more_than": 3,
                        "outcome": "error",
                    }
                },
            ),
            ("window_seconds", {"window_seconds": 299}),
            ("group", {"group": "subject"}),
            ("risk", {"risk": 1}),
            ("severity", {"severity": "warning"}),
        ],
    )
    def test_it_cannot_be_loosened(self, field, changes) -> None:
        rule = rule_named("denials_in_5_minutes")

        with pytest.raises(RuleRefused) as refused:
            change(rule, **changes)

        assert field in refused.value.fields

    def test_it_can_be_made_stricter_and_is_then_used(self) -> None:
        rule = rule_named("denials_in_5_minutes")
        stricter = {"events": ["authorization_denied"], "more_than": 2}
        change(rule, parameters=stricter)
        deny(person(), count=3)

        assert [alert.rule for alert in scan()] == ["denials_in_5_minutes"]

    def test_it_cannot_be_deleted(self) -> None:
        with pytest.raises(RuleRefused):
            detection.delete_rule(
                rule_named("denials_in_1_hour").id, version=1, reason="A test"
            )


class TestChanging:
    def test_a_change_is_numbered_and_on_record(self) -> None:
        rule = rule_named("blocked_messages")

        changed = change(rule, title="Blocked")
        change(changed)
        change(changed, is_enabled=False)

        rule.refresh_from_db()
        assert (rule.version, rule.title, rule.is_enabled) == (3, "Blocked", False)
        assert list(
            Event.objects.filter(event_type__startswith="auditlog.rule_")
            .order_by("event_id")
            .values_list("event_type", flat=True)
        ) == ["auditlog.rule_changed", "auditlog.rule_disabled"]

    def test_nobody_overwrites_what_he_has_not_seen(self) -> None:
        rule = rule_named("blocked_messages")
        change(rule, title="Blocked")

        # `rule` is what somebody saw before.
        with pytest.raises(RuleOutdated):
            change(rule, severity="critical")
        with pytest.raises(RuleOutdated):
            detection.delete_rule(rule.id, version=rule.version, reason="A test")

        kept = rule_named("blocked_messages")
        assert (kept.version, kept.title, kept.severity) == (
            2,
            "Blocked",
            rule.severity,
        )

    @pytest.mark.django_db(transaction=True)
    def test_of_parallel_changes_one_counts(self) -> None:
        rule = rule_named("blocked_messages")
        results: list[object] = []

        def save(title: str) -> None:
            try:
                results.append(change(rule, title=title))
            except RuleOutdated as refusal:
                results.append(refusal)
            finally:
                connection.close()

        threads = [Thread(target=save, args=[f"Number {n}"]) for n in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(timeout=60)

        (saved,) = (one for one in results if isinstance(one, DetectionRule))
        assert sum(isinstance(one, RuleOutdated) for one in results) == 3
        assert rule_named("blocked_messages").title == saved.title
        assert Event.objects.filter(event_type="auditlog.rule_changed").count() == 1

    def test_why_has_to_be_said(self) -> None:
        rule = rule_named("blocked_messages")

        for ask in (
            lambda: detection.create_rule("own", terms_of(rule), reason=" "),
            lambda: detection.change_rule(
                rule.id, terms_of(rule), version=1, reason=""
            ),
            lambda: detection.delete_rule(rule.id, version=1, reason=""),
        ):
            with pytest.raises(RuleRefused) as refused:
                ask()
            assert set(refused.value.fields) == {"reason"}

    def test_without_evidence_nothing_changes(self, monkeypatch) -> None:
        rule = rule_named("blocked_messages")

        def broken(*_args: object, **_kwargs: object) -> None:
            raise OSError

        monkeypatch.setattr("auditlog.services.detection.changing.record", broken)
        with pytest.raises(OSError):  # noqa: PT011 - any text
            change(rule, is_enabled=False)

        rule.refresh_from_db()
        assert rule.is_enabled

    @pytest.mark.parametrize(
        ("field", "changes"),
        [
            ("parameters", {"parameters": {}}),
            ("parameters", {"parameters": {"events": [], "more_than": 1}}),
            ("parameters", {"parameters": {"events": ["x"], "more_than": 1}}),
            ("parameters", {"parameters": {"events": ["error"], "more_than": -1}}),
            ("parameters", {"parameters": {"events": ["error"], "more_than": "1"}}),
            ("parameters", {"parameters": {"events": ["error"], "more_than": 3.0}}),
            (
                "parameters",
                {"parameters": {"events": ["error"], "more_than": 1, "extra": 1}},
            ),
            ("group", {"group": "everyone", "risk": 10}),
            ("window_seconds", {"window_seconds": 91 * 86400}),
            ("window_seconds", {"window_seconds": 0}),
        ],
    )
    def test_what_cannot_run_is_refused_beside_its_field(self, field, changes) -> None:
        rule = rule_named("blocked_messages")

        with pytest.raises(RuleRefused) as refused:
            change(rule, **changes)

        assert field in refused.value.fields

    @pytest.mark.parametrize("group", ["actor", "everyone"])
    def test_people_are_not_compared_with_networks(self, group) -> None:
        rule = rule_named("sign_in_after_spray")

        with pytest.raises(RuleRefused) as refused:
            change(rule, group=group)

        assert set(refused.value.fields) == {"group"}

    def test_a_name_is_given_once(self) -> None:
        rule = rule_named("blocked_messages")

        detection.create_rule("own", terms_of(rule), reason="A test")
        with pytest.raises(RuleExists):
            detection.create_rule("own", terms_of(rule), reason="A test")

        own = rule_named("own")
        detection.delete_rule(own.id, version=1, reason="A test")
        assert not DetectionRule.objects.filter(name="own").exists()

    @pytest.mark.parametrize("name", ["audit_log_differs", "rule_failing"])
    def test_no_rule_is_called_as_what_is_raised_without_one(self, name) -> None:
        rule = rule_named("blocked_messages")

        with pytest.raises(RuleRefused) as refused:
            detection.create_rule(name, terms_of(rule), reason="A test")

        assert set(refused.value.fields) == {"name"}

    def test_one_that_was_called_so_before_is_not_evaluated(self) -> None:
        DetectionRule.objects.filter(name="blocked_messages").update(
            name="audit_log_differs"
        )

        assert "audit_log_differs" not in {spec.name for spec in effective_rules()}
