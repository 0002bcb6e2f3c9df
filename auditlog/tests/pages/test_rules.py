from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from auditlog.models import DetectionRule, RuleException
from auditlog.services import incidents
from auditlog.services.detection.changing import COLUMNS
from auditlog.tests.detection.factories import person
from auditlog.tests.factories import make_actor
from auditlog.tests.incidents.factories import make_alert, make_incident
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
RULES = "/admin/audit/rules"


def rule(name="blocked_messages") -> DetectionRule:
    return DetectionRule.objects.get(name=name)


def page_of(found: DetectionRule, end: str = "") -> str:
    return f"{RULES}/{found.pk}{end}"


def filled(found: DetectionRule, **changes: object) -> dict[str, object]:
    told = {name: getattr(found, name) for name in COLUMNS}
    told["parameters"] = json.dumps(told["parameters"])
    told |= {"version": found.version, "reason": "A test"}
    told |= changes
    if not told["is_enabled"]:
        del told["is_enabled"]
    return told


def test_auditors_and_nobody_else_see_the_rules(browser, office, charlie) -> None:
    assert office.get(RULES).status_code == 200
    assert office.get(page_of(rule())).status_code == 200
    stranger = browser(charlie)
    for address in (RULES, page_of(rule()), page_of(rule(), "/trial")):
        assert stranger.get(address).status_code in (302, 403)


def test_the_list_says_what_each_rule_does(
    office, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(20):
        page = office.get(RULES).content.decode()

    assert "More than 1000 questions in 24 hours" in page
    assert "adds 25 to the risk" in page


def test_the_list_says_how_often_a_rule_was_right(office, admin) -> None:
    handler = make_actor(admin)
    for verdict in ("true_positive", "false_positive", "benign"):
        found = make_incident(rule="denials_in_1_hour")
        incidents.resolve(handler, found.pk, verdict=verdict)
    make_incident(rule="denials_in_1_hour")
    make_alert(rule="denials_in_1_hour", at=timezone.now() - timedelta(days=91))

    page = " ".join(office.get(RULES).content.decode().split())

    assert ">4 <span" in page
    assert "(1 of 3 resolved were true)" in page


def test_a_rule_is_changed(office) -> None:
    found = rule()

    answer = office.post(page_of(found), filled(found, severity="critical"))

    assert answer.status_code == 302
    found.refresh_from_db()
    assert (found.severity, found.version) == ("critical", 2)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"parameters": "{"}, "Enter a valid JSON"),
        ({"parameters": "[]"}, "This field is required"),
        ({"parameters": "[1]"}, "An object"),
        ({"parameters": '{"events": ["error"]}'}, "more_than"),
        ({"window_seconds": 0}, "greater than or equal to 1"),
        ({"group": "nobody"}, "Select a valid choice"),
        ({"risk": 101}, "less than or equal to 100"),
        ({"kind": "baseline"}, "metric"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(office, changes, text) -> None:
    found = rule()

    answer = office.post(page_of(found), filled(found, **changes))

    assert answer.status_code == 200
    assert text in answer.content.decode()
    found.refresh_from_db()
    assert found.version == 1


def test_a_floor_rule_is_never_switched_off(office) -> None:
    found = rule("denials_in_1_hour")

    answer = office.post(page_of(found), filled(found, is_enabled=False))

    assert "A floor rule is always on" in answer.content.decode()
    answer = office.post(page_of(found), {**filled(found), "delete": "1"})
    assert rule("denials_in_1_hour").is_enabled


def test_a_rule_is_made_and_deleted(office) -> None:
    told = filled(rule(), name="own-rule", title="Own rule")

    made = office.post(f"{RULES}/new", told)
    again = office.post(f"{RULES}/new", told)

    own = rule("own-rule")
    assert made["Location"] == page_of(own)
    assert again.status_code == 200
    deleted = office.post(page_of(own), {**filled(own), "delete": "1"})
    assert deleted["Location"] == RULES
    assert not DetectionRule.objects.filter(name="own-rule").exists()


def test_an_exception_is_made_and_taken_back(office, alice) -> None:
    found = rule()
    until = (timezone.now() + timedelta(days=3)).date()
    told = {"except": "1", "account": "alice", "reason": "Test", "expires_on": until}

    assert office.post(page_of(found), told).status_code == 302
    made = RuleException.objects.get()
    assert "alice" in office.get(page_of(found)).content.decode()
    assert office.get(f"/admin/audit/exceptions/{made.pk}/end").status_code == 404
    ended = office.post(f"/admin/audit/exceptions/{made.pk}/end")

    assert ended["Location"] == page_of(found)
    assert not RuleException.objects.exists()


def test_an_exception_from_the_floor_waits_for_a_second_person(
    browser, office, allow, auditor, charlie
) -> None:
    found = rule("denials_in_5_minutes")
    until = (timezone.now() + timedelta(days=3)).date()
    told = {"except": "1", "account": "charlie", "reason": "Test", "expires_on": until}
    office.post(page_of(found), told)
    made = RuleException.objects.get()
    approve = f"/admin/audit/exceptions/{made.pk}/approve"

    assert "waits for a second person" in office.get(page_of(found)).content.decode()
    assert approve not in office.get(page_of(found)).content.decode()
    refused = office.post(approve, follow=True).content.decode()
    assert "Somebody else must approve" in refused
    assert browser(charlie).post(approve).status_code in (302, 403)
    assert office.get(approve).status_code == 404
    made.refresh_from_db()
    assert made.approved_at is None

    allow(auditor, "manage_detection")
    other = browser(auditor, stepped_up=True)
    assert approve in other.get(page_of(found)).content.decode()
    assert other.post(approve)["Location"] == page_of(found)

    made.refresh_from_db()
    assert made.approved_by == subject_keys().pseudonym(auditor.id)
    assert "waits for a second" not in office.get(page_of(found)).content.decode()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"account": ""}, "Name one account"),
        ({"account": "nobody-of-this-name"}, "There is no such account"),
        ({"expires_on": "2020-01-01"}, "within a year"),
        ({"reason": ""}, "required"),
        ({"network": "xyz"}, "32 hexadecimal digits"),
    ],
)
def test_an_exception_is_refused_with_words(office, alice, changes, text) -> None:
    until = (timezone.now() + timedelta(days=3)).date()
    told = {"except": "1", "account": "alice", "reason": "Test", "expires_on": until}

    answer = office.post(page_of(rule()), {**told, **changes})

    assert text in answer.content.decode()
    assert not RuleException.objects.exists()


def test_what_is_not_there_is_not_found(office) -> None:
    assert office.get(f"{RULES}/{person()}").status_code == 404
    assert office.post(f"/admin/audit/exceptions/{person()}/end").status_code == 404


@pytest.mark.parametrize(
    "share",
    ["NaN", "1" * 5000, "[" * 3000, '"\\ud800"', '"\\u0000"'],
    ids=["no number", "too many digits", "too deep", "half a character", "NUL"],
)
def test_parameters_that_nothing_could_hold_are_an_error_of_the_form(
    office, share
) -> None:
    found = rule("off_hours")
    text = f'{{"events": ["chatbot_query"], "at_least": 3, "share": {share}}}'

    answer = office.post(page_of(found), filled(found, parameters=text))

    assert answer.status_code == 200
    assert "parameters" in answer.context["form"].errors


def test_the_form_says_what_is_sealed_and_what_is_not(browser, admin) -> None:
    page = browser(admin).get(page_of(rule())).content.decode()

    assert page.count("Do not name people: this text is not sealed") == 2
    assert "Sealed, under the key of the account" in page
