from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from auditlog.services import anchoring, log_checks, sealer
from auditlog.services.verification import Finding, Report
from auditlog.services.verification.findings import Fault
from auditlog.tests.factories import make_event

pytestmark = pytest.mark.django_db
PAGE = "/admin/audit/seals"


def test_auditors_and_nobody_else_see_it(browser: Any, auditor: Any, dan: Any) -> None:
    dan.is_staff = True
    dan.save()

    assert browser(auditor).get(PAGE).status_code == 200
    assert browser(dan).get(PAGE).status_code == 403


def test_of_a_log_without_seals_it_says_so(
    browser: Any, admin: Any, settings: Any
) -> None:
    settings.CHATSEC_AUDIT_ANCHORS = []

    page = browser(admin).get(PAGE).content.decode()

    assert "Nothing was sealed yet" in page
    assert "Heads are left nowhere" in page
    assert "None yet" in page


def test_the_places_are_shown_without_what_their_addresses_hold(
    browser: Any, admin: Any, settings: Any
) -> None:
    secret = "https://witness.example.org/heads?token=abcdef"
    settings.CHATSEC_AUDIT_ANCHORS = [secret, "mailto:dpo@example.org"]

    page = browser(admin).get(PAGE).content.decode()

    assert "https:witness.example.org" in page
    assert "none yet" in page
    assert "abcdef" not in page
    assert "dpo@" not in page


def test_a_difference_is_named(browser: Any, admin: Any) -> None:
    victim = make_event()
    report = Report()
    report.findings.append(Finding(Fault.CHANGED, 1, victim.event_id))
    log_checks.note_differences(report, now=timezone.now())

    page = browser(admin).get(PAGE).content.decode()

    assert "differs" in page
    assert "changed: 1" in page


def anchored() -> str:
    """Return the head of a new seal, which is now at every place."""
    make_event()
    sealer.seal_pending()
    return bytes(anchoring.anchor_head()[0].head).hex()


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "retention"])
def test_it_shows_the_newest_seal_and_each_places_newest_head(
    browser: Any,
    admin: Any,
    settings: Any,
    tmp_path: Any,
    django_assert_max_num_queries: Any,
) -> None:
    settings.CHATSEC_AUDIT_ANCHORS = [f"file:{tmp_path}/heads.jsonl", "log:"]
    client = browser(admin)
    newest = [anchored() for _ in range(2)][-1]
    settings.CHATSEC_AUDIT_ANCHORS = ["log:"]

    with django_assert_max_num_queries(25):
        page = client.get(PAGE).content.decode()

    assert "sealing" in page
    assert page.count(newest) == 2
    assert "used no more" in page
