"""The page "My privacy"."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuthSession
from accounts.tests.factories import PASSWORD
from chatsec.core import personal_data
from privacy import selectors, tasks
from privacy.models import ExportArtifact, SubjectRequest
from privacy.services import exports, requests
from privacy.tests.factories import actor_of, finished_export, open_export

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setattr(tasks.fulfil_request, "delay", lambda _id: None)


@pytest.mark.parametrize("path", ["/privacy", "/privacy/requests"])
def test_it_asks_to_sign_in(client, path):
    answer = client.get(path) if path == "/privacy" else client.post(path)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in")


def test_it_shows_what_is_held_and_why(browser, alice):
    page = browser(alice).get("/privacy")

    text = page.content.decode()
    assert page.status_code == 200
    for each in personal_data.declarations():
        assert each.holds.replace("'", "&#x27;") in text, each.model
    assert "Improve the understanding of questions" in text
    assert "handled by an administrator" in text
    assert "<script" not in text
    assert " style=" not in text


def test_the_notice_is_for_everybody(client):
    assert "Your rights" in client.get("/privacy/notice").content.decode()


def test_a_switch_works_both_ways(browser, alice):
    client = browser(alice)
    path = "/privacy/consents/improve_service"

    client.post(path, {"granted": "yes"})
    assert selectors.has_basis(alice.id, "improve_service")
    client.post(path, {"granted": "no"})

    assert not selectors.has_basis(alice.id, "improve_service")


@pytest.mark.parametrize("body", [{}, {"granted": "perhaps"}])
def test_an_unclear_word_switches_nothing(browser, alice, body):
    browser(alice).post("/privacy/consents/improve_service", body)

    assert not selectors.has_basis(alice.id, "improve_service")


def test_it_opens_a_request_and_shows_its_progress(browser, alice):
    client = browser(alice)

    client.post("/privacy/requests", {"kind": "access"})
    running = client.get("/privacy")

    request = SubjectRequest.objects.get()
    assert running["Refresh"] == "5"
    assert "<progress" in running.content.decode()
    exports.fulfil_request(request.id)
    done = client.get("/privacy")
    assert "Refresh" not in done
    assert f"/privacy/requests/{request.id}/download" in done.content.decode()


@pytest.mark.django_db(transaction=True)
def test_it_asks_for_the_password_when_the_sign_in_is_old(browser, alice):
    client = browser(alice)
    AuthSession.objects.update(authenticated_at=timezone.now() - timedelta(hours=1))

    asked = client.post("/privacy/requests", {"kind": "erasure"})
    wrong = client.post("/privacy/requests", {"kind": "erasure", "password": "no"})
    right = client.post("/privacy/requests", {"kind": "erasure", "password": PASSWORD})

    assert asked.status_code == wrong.status_code == 403
    assert 'type="password"' in asked.content.decode()
    assert 'name="kind" value="erasure"' in asked.content.decode()
    assert right.status_code == 302
    assert SubjectRequest.objects.get().identity_proof == "password"


@pytest.mark.parametrize(("body", "status"), [({}, 400), ({"kind": "x"}, 400)])
def test_an_unclear_request_shows_the_form_again(browser, alice, body, status):
    assert browser(alice).post("/privacy/requests", body).status_code == status


def test_a_second_open_request_is_refused_on_the_page(browser, alice):
    open_export(alice)

    page = browser(alice).post("/privacy/requests", {"kind": "access"})

    assert page.status_code == 409
    assert "You have an open request already" in page.content.decode()


def test_it_says_that_an_administrator_handles_the_others(browser, alice):
    requests.open_request(actor_of(alice), "erasure")

    assert (
        "An administrator handles it."
        in browser(alice).get("/privacy").content.decode()
    )


def test_a_request_is_cancelled(browser, alice):
    request = open_export(alice)

    browser(alice).post(f"/privacy/requests/{request.id}/cancel")

    request.refresh_from_db()
    assert request.state == "cancelled"


def test_a_stranger_neither_cancels_nor_downloads(browser, alice, charlie):
    request = open_export(alice)
    client = browser(charlie)

    client.post(f"/privacy/requests/{request.id}/cancel")
    exports.fulfil_request(request.id)
    page = client.post(f"/privacy/requests/{request.id}/download")

    assert page.status_code == 404
    request.refresh_from_db()
    assert request.state == "completed"


def test_the_export_is_downloaded(browser, alice):
    request = finished_export(alice)

    answer = browser(alice).post(f"/privacy/requests/{request.id}/download")

    assert answer["Content-Type"] == "application/zip"
    assert b"".join(answer.streaming_content)[:2] == b"PK"


def test_a_link_of_another_site_uses_no_download_up(browser, alice):
    """Each takes one of three: a press of our button, with our token (ASVS 3.5.3)."""
    request = finished_export(alice)
    path = f"/privacy/requests/{request.id}/download"
    client = browser(alice)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    button = f'<form method="post" action="{path}"'

    assert button in client.get("/privacy").content.decode()
    assert client.get(path).status_code == 405
    assert strict.post(path).status_code == 403
    assert ExportArtifact.objects.get().downloads_left == 3


@pytest.mark.parametrize(
    "path", ["/privacy/requests", "/privacy/consents/improve_service"]
)
def test_forms_are_only_posted(browser, alice, path):
    assert browser(alice).get(path).status_code == 405


def test_a_foreign_form_is_refused(alice):
    from django.test import Client

    from accounts.tests.factories import sign_in_browser

    client = sign_in_browser(Client(enforce_csrf_checks=True), alice)

    assert client.post("/privacy/requests", {"kind": "access"}).status_code == 403
    assert not SubjectRequest.objects.exists()
