"""Rules change with a number and evidence; those of the floor get stricter alone."""

from __future__ import annotations

import pytest

from auditlog.errors import RuleExists, RuleRefused
from auditlog.models import DetectionRule, Event
from auditlog.rules import FLOOR
from auditlog.services import detection
from auditlog.services.detection.changing import COLUMNS, RuleTerms
from auditlog.services.detection.engine import effective_rules
from auditlog.tests.detection.factories import deny, person, rule_named, scan

pytestmark = pytest.mark.django_db


def terms_of(rule: DetectionRule, **changes: object) -> RuleTerms:
    return RuleTerms(**{c: getattr(rule, c) for c in COLUMNS} | changes)


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
            detection.change_rule(rule.id, terms_of(rule, **changes))

        assert field in refused.value.fields

    def test_it_can_be_made_stricter_and_is_then_used(self) -> None:
        rule = rule_named("denials_in_5_minutes")
        stricter = {"events": ["authorization_denied"], "more_than": 2}
        detection.change_rule(rule.id, terms_of(rule, parameters=stricter))
        deny(person(), count=3)

        assert [alert.rule for alert in scan()] == ["denials_in_5_minutes"]

    def test_it_cannot_be_deleted(self) -> None:
        with pytest.raises(RuleRefused):
            detection.delete_rule(rule_named("denials_in_1_hour").id)


class TestChanging:
    def test_a_change_is_numbered_and_on_record(self) -> None:
        rule = rule_named("blocked_messages")

        changed = detection.change_rule(rule.id, terms_of(rule, title="Blocked"))
        detection.change_rule(rule.id, terms_of(changed))
        detection.change_rule(rule.id, terms_of(changed, is_enabled=False))

        rule.refresh_from_db()
        assert (rule.version, rule.title, rule.is_enabled) == (3, "Blocked", False)
        assert list(
            Event.objects.filter(event_type__startswith="auditlog.rule_")
            .order_by("event_id")
            .values_list("event_type", flat=True)
        ) == ["auditlog.rule_changed", "auditlog.rule_disabled"]

    def test_without_evidence_nothing_changes(self, monkeypatch) -> None:
        rule = rule_named("blocked_messages")

        def broken(*_args: object, **_kwargs: object) -> None:
            raise OSError

        monkeypatch.setattr("auditlog.services.detection.changing.record", broken)
        with pytest.raises(OSError):  # noqa: PT011 - any text
            detection.change_rule(rule.id, terms_of(rule, is_enabled=False))

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
            detection.change_rule(rule.id, terms_of(rule, **changes))

        assert field in refused.value.fields

    @pytest.mark.parametrize("group", ["actor", "everyone"])
    def test_people_are_not_compared_with_networks(self, group) -> None:
        rule = rule_named("sign_in_after_spray")

        with pytest.raises(RuleRefused) as refused:
            detection.change_rule(rule.id, terms_of(rule, group=group))

        assert set(refused.value.fields) == {"group"}

    def test_a_name_is_given_once(self) -> None:
        rule = rule_named("blocked_messages")

        detection.create_rule("own", terms_of(rule))
        with pytest.raises(RuleExists):
            detection.create_rule("own", terms_of(rule))

        detection.delete_rule(rule_named("own").id)
        assert not DetectionRule.objects.filter(name="own").exists()

    @pytest.mark.parametrize("name", ["audit_log_differs", "rule_failing"])
    def test_no_rule_is_called_as_what_is_raised_without_one(self, name) -> None:
        rule = rule_named("blocked_messages")

        with pytest.raises(RuleRefused) as refused:
            detection.create_rule(name, terms_of(rule))

        assert set(refused.value.fields) == {"name"}

    def test_one_that_was_called_so_before_is_not_evaluated(self) -> None:
        DetectionRule.objects.filter(name="blocked_messages").update(
            name="audit_log_differs"
        )

        assert "audit_log_differs" not in {spec.name for spec in effective_rules()}
