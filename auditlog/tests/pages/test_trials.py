from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from auditlog import events, tasks
from auditlog.models import DetectionRule, Event, RuleTrial
from auditlog.services.detection import trials, trying
from auditlog.services.detection.trials import MOST_OPEN, Patience
from auditlog.tests.detection.factories import every, make_events, person, pseudonym_of
from auditlog.tests.factories import make_actor

pytestmark = pytest.mark.django_db
RULES = "/admin/audit/rules"


def rule(name="denials_in_5_minutes") -> DetectionRule:
    return DetectionRule.objects.get(name=name)


def of(found: DetectionRule) -> str:
    return f"{RULES}/{found.pk}/trial"


def page_of(trial: RuleTrial, end: str = "") -> str:
    return f"/admin/audit/trials/{trial.pk}{end}"


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be finished while somebody waits."""
    nothing = Patience(0, is_waited_for=True)
    monkeypatch.setattr(trials, "AT_ONCE_OR_LATER", nothing)


@pytest.fixture
def three_of_the_staff(auditor, allow, carol, dan):
    """Return two who may see the log, and one who may not."""
    allow(carol, "view_audit")
    for each in (carol, dan):
        each.is_staff = True
        each.save()
    return auditor, carol, dan


def burst() -> None:
    make_events(
        events.AUTHORIZATION_DENIED,
        every(timedelta(seconds=1), count=5, until=timezone.now()),
        actor_pseudonym=pseudonym_of(make_actor()),
    )


@pytest.mark.parametrize("days", ["1", "7", "30", "90"])
def test_a_short_one_is_answered_at_once(office, days) -> None:
    burst()

    page = office.post(of(rule()), {"days": days}, follow=True)

    shown = page.content.decode()
    assert "1 episode;" in shown
    assert "peak: 5" in shown
    assert "Refresh" not in page
    assert Event.objects.filter(event_type="auditlog.rule_tried").count() == 1


def test_looking_at_the_form_tries_nothing(office) -> None:
    page = office.get(of(rule()), {"days": "90"})

    assert page.status_code == 200
    assert not RuleTrial.objects.exists()
    assert not Event.objects.filter(event_type="auditlog.rule_tried").exists()


def test_any_other_length_is_refused_beside_its_field(office) -> None:
    page = office.post(of(rule()), {"days": "5000"})

    assert "Select a valid choice" in page.content.decode()
    assert not RuleTrial.objects.exists()


def test_a_long_one_goes_on_in_a_worker_and_is_found_again(office, no_patience) -> None:
    burst()
    found = rule()

    begun = office.post(of(found), {"days": "90"}, follow=True)

    trial = RuleTrial.objects.get()
    assert begun.redirect_chain == [(page_of(trial), 302)]
    assert begun["Refresh"] == "3"
    assert "<progress" in begun.content.decode()
    assert page_of(trial) in office.get(of(found)).content.decode()
    assert tasks.run_trial(str(trial.pk)) == "done"
    ended = office.get(page_of(trial))
    assert "Refresh" not in ended
    assert "1 episode;" in ended.content.decode()


def test_its_words_say_when_it_takes_too_long(office, no_patience, monkeypatch) -> None:
    monkeypatch.setattr(trying, "STATEMENT_SECONDS", 0.001)
    monkeypatch.setattr(trying, "evaluate", sleeping)
    office.post(of(rule()), {"days": "90"})
    trial = RuleTrial.objects.get()

    assert tasks.run_trial(str(trial.pk)) == "done"

    assert "try fewer days" in office.get(page_of(trial)).content.decode()


def test_one_part_may_not_hold_who_waits(office, monkeypatch) -> None:
    quick = Patience(0.05, is_waited_for=True)
    monkeypatch.setattr(trials, "AT_ONCE_OR_LATER", quick)
    monkeypatch.setattr(trying, "evaluate", sleeping)

    begun = office.post(of(rule()), {"days": "90"}, follow=True)

    trial = RuleTrial.objects.get()
    assert (trial.state, trial.problem, trial.attempts) == ("open", "", 0)
    assert "<progress" in begun.content.decode()


def test_who_has_many_open_is_told_so_beside_the_field(office, no_patience) -> None:
    for _ in range(MOST_OPEN):
        office.post(of(rule()), {"days": "90"})

    page = office.post(of(rule()), {"days": "90"})

    assert page.status_code == 200
    assert "of your trials still run" in str(page.context["form"].errors["days"])
    assert RuleTrial.objects.count() == MOST_OPEN


def test_it_is_its_owners_and_theirs_who_manage_detection(
    browser, office, three_of_the_staff, no_patience
) -> None:
    owner, colleague, stranger = (browser(who) for who in three_of_the_staff)
    owner.post(of(rule()), {"days": "90"})
    trial = RuleTrial.objects.get()

    for path in (page_of(trial), page_of(trial, "/delete")):
        assert colleague.post(path).status_code == 404
        assert stranger.post(path).status_code == 403
    assert page_of(trial) not in colleague.get(of(rule())).content.decode()
    assert owner.get(page_of(trial)).status_code == 200
    assert office.get(page_of(trial)).status_code == 200


def test_deleting_one_stops_it(office, no_patience) -> None:
    office.post(of(rule()), {"days": "90"})
    trial = RuleTrial.objects.get()

    assert office.get(page_of(trial, "/delete")).status_code == 404
    assert office.post(page_of(trial, "/delete"))["Location"] == of(rule())

    assert not RuleTrial.objects.exists()
    assert tasks.run_trial(str(trial.pk)) == "not_ours"
    assert office.get(page_of(trial)).status_code == 404


def test_a_rule_that_was_changed_meanwhile_is_tried_anew(office, no_patience) -> None:
    office.post(of(rule()), {"days": "90"})
    DetectionRule.objects.update(version=7)
    trial = RuleTrial.objects.get()

    tasks.run_trial(str(trial.pk))

    assert "changed meanwhile" in office.get(page_of(trial)).content.decode()


def test_what_is_not_there_is_not_found(office) -> None:
    assert office.get(f"{RULES}/{person()}/trial").status_code == 404
    assert office.get(f"/admin/audit/trials/{person()}").status_code == 404


def sleeping(*_: object) -> list[object]:
    """Stand for a statement that takes long."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(10)")
    return []
