"""An auditor sees the detection rules; changing them takes another permission."""

from __future__ import annotations

import pytest

from accounts.tests.factories import make_user
from auditlog.models import DetectionRule
from auditlog.tests.pages.test_rules import RULES, filled, page_of, rule
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role

pytestmark = pytest.mark.django_db


def test_who_may_only_see_changes_nothing(browser) -> None:
    make_role("auditor", "view_audit")
    vera = make_user("vera", is_staff=True, totp=True)
    give_role(vera, "auditor")
    watcher, found = browser(vera, stepped_up=True), rule()

    assert watcher.post(page_of(found), filled(found, risk=3)).status_code == 403
    assert watcher.get(f"{RULES}/new").status_code == 403
    assert watcher.get(RULES).status_code == 200
    assert watcher.get(page_of(found)).status_code == 200
    assert DetectionRule.objects.get(pk=found.pk).version == 1
