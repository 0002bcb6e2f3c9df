"""Privacy in the admin site: the queue, the registers, the holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from privacy import selectors, tasks
from privacy.models import LegalHold, NoticeVersion, RetentionPolicy, SubjectRequest
from privacy.services import requests, retention
from privacy.tests.factories import actor_of, open_export

pytestmark = pytest.mark.django_db
MODELS = (
    "subjectrequest",
    "purpose",
    "noticeversion",
    "retentionpolicy",
    "retentionrun",
    "legalhold",
)


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens(office, alice, admin, model):
    requests.open_request(actor_of(alice), "erasure")
    retention.place_hold(actor_of(admin), subject_id=alice.id, matter="1")
    retention.run_retention(dry_run=True)

    assert office.get(f"/admin/privacy/{model}/").status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_the_permission_sees_none(browser, alice, erin, model):
    from accounts.services.people import update_user

    update_user(erin, is_staff=True)

    answer = browser(erin).get(f"/admin/privacy/{model}/")

    assert answer.status_code in (302, 403)


def test_the_queue_shows_who_and_by_when(office, alice):
    request = requests.open_request(actor_of(alice), "erasure")
    SubjectRequest.objects.filter(id=request.id).update(
        due_at=timezone.now() - timedelta(days=1)
    )

    text = office.get("/admin/privacy/subjectrequest/").content.decode()

    assert "alice" in text
    assert "overdue" in text


def test_the_queue_costs_the_same_for_many(office, alice, bob, erin, charlie):
    path = "/admin/privacy/subjectrequest/"
    requests.open_request(actor_of(alice), "erasure")
    office.get(path)
    with CaptureQueriesContext(connection) as one:
        office.get(path)

    for person in (bob, erin, charlie):
        requests.open_request(actor_of(person), "erasure")
    with CaptureQueriesContext(connection) as four:
        office.get(path)

    assert len(four) == len(one)


def test_a_request_is_refused_with_a_reason(office, alice):
    request = requests.open_request(actor_of(alice), "objection")
    path = f"/admin/privacy/subjectrequest/{request.id}/change/"

    office.post(path, {"outcome": "refused", "resolution": ""})
    request.refresh_from_db()
    assert request.is_open
    office.post(path, {"outcome": "refused", "resolution": "Article 17(3)."})

    request.refresh_from_db()
    assert (request.state, request.resolution) == ("refused", "Article 17(3).")


def test_a_closed_request_cannot_be_changed(office, alice):
    request = open_export(alice)
    requests.cancel_request(actor_of(alice), request.id)
    path = f"/admin/privacy/subjectrequest/{request.id}/change/"

    assert office.get(path).status_code == 200
    answer = office.post(path, {"outcome": "completed", "resolution": "x"})

    assert answer.status_code == 403


def test_a_stopped_export_is_tried_again(
    office, alice, monkeypatch, django_capture_on_commit_callbacks
):
    handed = []
    monkeypatch.setattr(tasks.fulfil_request, "delay", handed.append)
    request = open_export(alice)
    SubjectRequest.objects.filter(id=request.id).update(state="failed", attempts=5)

    with django_capture_on_commit_callbacks(execute=True):
        office.post(
            "/admin/privacy/subjectrequest/",
            {"action": "try_again", "_selected_action": [str(request.id)]},
        )

    request.refresh_from_db()
    assert (request.state, request.attempts) == ("received", 0)
    assert handed == [str(request.id)]


def test_a_notice_is_published_once(office):
    path = "/admin/privacy/noticeversion/add/"

    assert office.post(path, {"body": "New words"}).status_code == 302
    again = office.post(path, {"body": "New words"})

    assert again.status_code == 200
    assert "published before" in again.content.decode()
    assert selectors.get_notice().body == "New words\n"
    assert NoticeVersion.objects.count() == 2


def test_a_purpose_keeps_its_basis(office):
    path = "/admin/privacy/purpose/improve_service/change/"
    body = {"title": "T", "description": "D", "position": 1, "basis": "contract"}

    assert office.post(path, body).status_code == 302

    purpose = selectors.get_purpose("improve_service")
    assert (purpose.title, purpose.basis) == ("T", "consent")


@pytest.mark.parametrize(("days", "kept"), [("30", 30), ("0", 90), ("-1", 90)])
def test_a_period_is_at_least_a_day(office, days, kept):
    office.post("/admin/privacy/retentionpolicy/chat_logs/change/", {"days": days})

    assert RetentionPolicy.objects.get(key="chat_logs").days == kept


def test_a_hold_is_placed_by_name_and_released(office, alice):
    path = "/admin/privacy/legalhold/add/"

    office.post(path, {"user": "nobody", "matter": "1"})
    assert not LegalHold.objects.exists()
    office.post(path, {"user": "alice", "matter": "2026/4"})
    hold = LegalHold.objects.get()
    assert selectors.held_subjects() == {alice.id}
    assert office.get(f"/admin/privacy/legalhold/{hold.id}/change/").status_code == 200
    twice = office.post(path, {"user": "alice", "matter": "2026/4"}, follow=True)
    assert "hold_stands" not in twice.content.decode()
    office.post(
        "/admin/privacy/legalhold/",
        {"action": "release", "_selected_action": [str(hold.id)]},
    )

    assert selectors.held_subjects() == frozenset()


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_deleted_by_hand(office, admin, alice, model):
    requests.open_request(actor_of(alice), "erasure")
    text = office.get(f"/admin/privacy/{model}/").content.decode()

    assert "delete_selected" not in text
