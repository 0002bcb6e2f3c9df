"""Every kind of event is written by something, and what writes it was tried.

The acts below are those whose evidence no test of their app asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.services import invitations, lockout, passwords
from auditlog.models import DetectionRule, Event
from auditlog.registry import event_types
from auditlog.services import detection, incidents, packing, searches
from auditlog.services.detection import RuleTerms
from auditlog.services.detection.changing import COLUMNS
from auditlog.services.detection.exempting import Exempted
from auditlog.tests.incidents.factories import make_incident
from chat.services.conversations import delete_conversation, start_conversation
from chatsec.core.context import SYSTEM
from privacy.models import SubjectRequest
from privacy.services import consent, leases, processing, requests, retention
from privacy.tests.factories import actor_of, finished_export, open_export
from rbac.services.break_glass import make_eligible
from rbac.tests.governing import make_role

pytestmark = pytest.mark.django_db
OPTIONAL = "improve_service"
Cast = dict[str, Any]
Act = Callable[[Cast], object]
# Written by the owner's function that drops a partition.
BY_THE_DATABASE = {"auditlog.partition_pruned"}


def _end_an_exception(cast: Cast) -> None:
    rule = DetectionRule.objects.filter(is_floor=False)[0]
    whom = Exempted(network_hash=b"0" * 16)
    until = timezone.now() + timedelta(days=1)
    made = detection.make_exception(rule.pk, whom, reason="a test", expires_at=until)
    detection.end_exception(made.pk)


def _note(cast: Cast) -> None:
    actor = actor_of(cast["admin"])
    incidents.add_note(actor, make_incident().pk, text="looked at")


def _make_a_rule(cast: Cast) -> DetectionRule:
    like = DetectionRule.objects.filter(is_floor=False)[0]
    terms = RuleTerms(**{column: getattr(like, column) for column in COLUMNS})
    return detection.create_rule("one_more", terms, reason="a test")


def _delete_a_rule(cast: Cast) -> None:
    made = _make_a_rule(cast)
    detection.delete_rule(made.pk, version=made.version, reason="a test")


def _delete_a_search(cast: Cast) -> None:
    actor, words = actor_of(cast["admin"]), {"outcome": "denied"}
    saved = searches.save_search(actor, name="x", words=words, is_shared=False)
    searches.delete_search(actor, saved.pk)


def _delete_a_conversation(cast: Cast) -> None:
    actor = actor_of(cast["alice"])
    started = start_conversation(actor)
    delete_conversation(actor, conversation_id=started.id)


def _withdraw(cast: Cast) -> None:
    consent.give_consent(actor_of(cast["alice"]), purpose=OPTIONAL)
    consent.withdraw_consent(actor_of(cast["alice"]), purpose=OPTIONAL)


def _release(cast: Cast) -> None:
    actor = actor_of(cast["admin"])
    hold = retention.place_hold(actor, subject_id=cast["alice"].id, matter="1")
    retention.release_hold(actor, hold.id)


def _cancel(cast: Cast) -> None:
    requests.cancel_request(actor_of(cast["alice"]), open_export(cast["alice"]).id)


def _give_up(cast: Cast) -> None:
    request = open_export(cast["alice"])
    rows = SubjectRequest.objects.filter(pk=request.pk)
    rows.update(attempts=99, last_error="OSError")
    leases.give_up_on(rows, now=timezone.now())


def _collect(cast: Cast) -> None:
    processing.record_collection(
        actor_of(cast["alice"]), data_type="question", purpose="answer_questions"
    )


def _may_break_glass(cast: Cast) -> None:
    make_role("rescue", is_break_glass=True)
    make_eligible(SYSTEM, user=cast["erin"], role="rescue", reason="on call")


ACTS: dict[str, Act] = {
    "accounts.account_unlocked": lambda cast: lockout.unlock_account(cast["alice"]),
    "accounts.password_reset_asked": lambda cast: passwords.send_reset(cast["alice"]),
    "accounts.user_invited": lambda cast: invitations.invite(
        "zoe", email="zoe@example.org"
    ),
    "auditlog.evidence_exported": lambda cast: packing.export_evidence(
        make_incident().pk
    ),
    "auditlog.exception_ended": _end_an_exception,
    "auditlog.incident_noted": _note,
    "auditlog.rule_created": _make_a_rule,
    "auditlog.rule_deleted": _delete_a_rule,
    "auditlog.search_deleted": _delete_a_search,
    "chat.conversation_deleted": _delete_a_conversation,
    "privacy.consent_given": _withdraw,
    "privacy.consent_withdrawn": _withdraw,
    "privacy.data_collected": _collect,
    "privacy.export_ready": lambda cast: finished_export(cast["alice"]),
    "privacy.hold_placed": _release,
    "privacy.hold_released": _release,
    "privacy.notice_published": lambda cast: consent.publish_notice(
        actor_of(cast["admin"]), body="We changed it."
    ),
    "privacy.request_cancelled": _cancel,
    "privacy.request_failed": _give_up,
    "privacy.request_opened": _cancel,
    "rbac.break_glass_eligibility_changed": _may_break_glass,
}


@pytest.mark.parametrize("name", ACTS)
def test_it_is_written(name: str, admin: Any, alice: Any, erin: Any) -> None:
    ACTS[name]({"admin": admin, "alice": alice, "erin": erin})

    assert Event.objects.filter(event_type=name).exists()


def test_no_kind_of_event_is_registered_for_nothing() -> None:
    constants: dict[str, str] = {}
    for path in Path(settings.BASE_DIR).glob("*/events.py"):
        found = re.findall(
            r'^([A-Z_]+) = register\(\s*"([^"]+)"', path.read_text(), re.MULTILINE
        )
        constants.update({name: constant for constant, name in found})
    assert set(constants) == set(event_types())

    text = " ".join(
        path.read_text()
        for app in ("accounts", "auditlog", "chat", "privacy", "rbac")
        for path in Path(settings.BASE_DIR, app).rglob("*.py")
        if path.name != "events.py" and not {"tests", "migrations"} & set(path.parts)
    )
    words = set(re.findall(r"\b[A-Z][A-Z_]+\b", text))
    unused = {name for name, constant in constants.items() if constant not in words}

    assert unused == BY_THE_DATABASE
