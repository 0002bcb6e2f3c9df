from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from auditlog.constants import RULE_KINDS
from auditlog.models import DetectionRule
from auditlog.rules import FLOOR, Span, find_loosened, find_problems
from auditlog.rules.statements import Exempt
from auditlog.services.detection.evaluation import evaluate
from auditlog.tests.factories import make_actor, make_denials
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def test_every_seeded_rule_is_valid_and_can_be_asked() -> None:
    actor = make_actor()
    make_denials(actor, count=5, every=timedelta(seconds=1), until=NOW)
    person = subject_keys().pseudonym(actor.id)  # type: ignore[arg-type]  # has one
    exempt = Exempt((person,), ("service",), (b"n" * 16,), {person: 3})
    rules = list(DetectionRule.objects.order_by("name"))

    assert len(rules) > 30
    for rule in rules:
        assert find_problems(rule.spec) == {}, rule.name
        assert isinstance(evaluate(rule.spec, Span(NOW, NOW)), list)
        assert evaluate(rule.spec, Span(NOW - timedelta(days=1), NOW), exempt) == []


def test_the_seeded_floor_is_the_chapters() -> None:
    rows = {rule.name: rule for rule in DetectionRule.objects.filter(is_floor=True)}

    assert set(rows) == set(FLOOR)
    for name, floor in FLOOR.items():
        assert rows[name].spec == floor
        assert find_loosened(rows[name].spec) == {}


def test_the_reference_lists_every_rule() -> None:
    page = (settings.BASE_DIR / "docs/reference/detection-rules.md").read_text()

    for rule in DetectionRule.objects.all():
        assert f"| `{rule.name}` | {rule.title}. " in page
    for kind in RULE_KINDS:
        assert f"| `{kind}` |" in page
