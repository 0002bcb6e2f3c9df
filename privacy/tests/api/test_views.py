"""The privacy API: one's own data only, in the shapes that clients rely on."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuthSession
from accounts.tests.factories import PASSWORD
from privacy import tasks
from privacy.models import ExportArtifact, SubjectRequest
from privacy.services import exports
from privacy.tests.factories import finished_export, open_export

pytestmark = pytest.mark.django_db
REQUESTS = "/api/v1/privacy/requests"
CONSENTS = "/api/v1/privacy/consents"
OPTIONAL = f"{CONSENTS}/improve_service"


@pytest.fixture(autouse=True)
def handed(monkeypatch) -> list[str]:
    """Collect what is handed to workers; there is none here."""
    found: list[str] = []
    monkeypatch.setattr(tasks.fulfil_request, "delay", found.append)
    return found


def sign_in_was(ago: timedelta) -> None:
    AuthSession.objects.update(authenticated_at=timezone.now() - ago)


def test_the_notice_is_for_everybody(api):
    answer = api().get("/api/v1/privacy/notice")

    assert answer.status_code == 200
    assert len(answer.json()["sha256"]) == 64
    assert "Your rights" in answer.json()["body"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", CONSENTS),
        ("put", OPTIONAL),
        ("get", REQUESTS),
        ("post", REQUESTS),
        ("get", f"{REQUESTS}/018f0000-0000-7000-8000-000000000000"),
        ("post", f"{REQUESTS}/018f0000-0000-7000-8000-000000000000/cancel"),
        ("get", f"{REQUESTS}/018f0000-0000-7000-8000-000000000000/download"),
    ],
)
def test_the_rest_is_for_who_is_signed_in(api, method, path):
    assert getattr(api(), method)(path, {}).status_code == 401


def test_consents_are_listed_with_their_basis(api, alice):
    rows = api(alice).get(CONSENTS).json()["results"]

    shown = {row["purpose"]: row for row in rows}
    assert shown["answer_questions"]["legal_basis"] == "contract"
    assert shown["answer_questions"]["in_use"] is True
    assert shown["improve_service"]["optional"] is True
    assert shown["improve_service"]["in_use"] is False


def test_consents_are_listed_in_few_queries(api, alice, django_assert_max_num_queries):
    client = api(alice)
    client.get(CONSENTS)

    with django_assert_max_num_queries(8):
        client.get(CONSENTS)


def test_a_consent_is_given_and_withdrawn_by_the_same_call(api, alice):
    client = api(alice)

    given = client.put(OPTIONAL, {"granted": True})
    assert (given.status_code, given.json()["granted"]) == (200, True)
    withdrawn = client.put(OPTIONAL, {"granted": False})

    assert (withdrawn.status_code, withdrawn.json()["in_use"]) == (200, False)


@pytest.mark.parametrize("said", [{}, {"granted": None}, {"granted": "yes"}, [], "x"])
def test_an_unclear_word_is_no_consent(api, alice, said):
    client = api(alice)

    assert client.put(OPTIONAL, said, format="json").status_code == 400

    rows = client.get(CONSENTS).json()["results"]
    assert not any(row["granted"] for row in rows)


@pytest.mark.parametrize(
    ("purpose", "status", "code"),
    [
        ("answer_questions", 409, "not_consent_based"),
        ("nothing", 404, "not_found"),
    ],
)
def test_what_cannot_be_switched_says_so(api, alice, purpose, status, code):
    answer = api(alice).put(f"{CONSENTS}/{purpose}", {"granted": False})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_access_request_is_handed_to_a_worker_when_it_is_committed(
    api, alice, handed, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = api(alice).post(REQUESTS, {"kind": "access"})

    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["state"] == "received"
    assert body["handled_by"] == "system"
    assert body["download"] is None
    assert handed == [body["id"]]


def test_an_erasure_waits_for_an_administrator(
    api, alice, handed, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = api(alice).post(REQUESTS, {"kind": "erasure"})

    assert answer.status_code == 201
    assert answer.json()["handled_by"] == "administrator"
    assert handed == []


@pytest.mark.parametrize("body", [{}, {"kind": "all"}, {"kind": None}, []])
def test_an_unclear_request_is_refused(api, alice, body):
    answer = api(alice).post(REQUESTS, body, format="json")

    assert answer.status_code == 400


def test_a_second_open_request_is_a_conflict(api, alice):
    client = api(alice)
    client.post(REQUESTS, {"kind": "access"})

    answer = client.post(REQUESTS, {"kind": "access"})

    assert (answer.status_code, answer.json()["code"]) == (409, "request_open_already")


@pytest.mark.django_db(transaction=True)
def test_an_old_sign_in_needs_the_password(api, alice):
    client = api(alice)
    sign_in_was(timedelta(minutes=6))

    refused = client.post(REQUESTS, {"kind": "access"})
    wrong = client.post(REQUESTS, {"kind": "access", "password": "wrong"})
    right = client.post(REQUESTS, {"kind": "access", "password": PASSWORD})

    assert refused.status_code == wrong.status_code == 403
    assert refused.json()["code"] == "reauthentication_required"
    assert right.status_code == 201
    assert "password" not in json.dumps(right.json())


@pytest.mark.django_db(transaction=True)
def test_passwords_cannot_be_guessed_here(api, alice):
    client = api(alice)
    sign_in_was(timedelta(minutes=6))
    body = {"kind": "access", "password": "wrong"}

    codes = [client.post(REQUESTS, body).status_code for _ in range(6)]

    assert codes[:4] == [403] * 4
    assert codes[-1] == 429
    locked = client.post(REQUESTS, {**body, "password": PASSWORD})
    assert locked.status_code == 429
    assert int(locked["Retry-After"]) > 0


def test_a_list_has_ones_own_requests_only(api, alice, charlie):
    request = open_export(alice)

    mine = api(alice).get(REQUESTS).json()
    others = api(charlie).get(REQUESTS).json()

    assert [row["id"] for row in mine["results"]] == [str(request.id)]
    assert others == {"results": [], "next": None, "previous": None}


def test_a_long_list_costs_no_more_queries(api, alice, django_assert_max_num_queries):
    client = api(alice)
    for _ in range(5):
        SubjectRequest.objects.filter(id=open_export(alice).id).update(
            state="cancelled"
        )
    client.get(REQUESTS)

    with django_assert_max_num_queries(8):
        assert len(client.get(REQUESTS).json()["results"]) == 5


@pytest.mark.parametrize("cursor", ["cD1ub3QtYS11dWlk", "cD0A", "bz14"])
def test_a_forged_cursor_is_refused(api, alice, cursor):
    open_export(alice)

    assert api(alice).get(f"{REQUESTS}?cursor={cursor}").status_code in (400, 404)


@pytest.mark.parametrize("path", ["", "/cancel", "/download"])
def test_a_stranger_gets_404(api, alice, charlie, path):
    request = finished_export(alice)
    client = api(charlie)
    call = client.post if path == "/cancel" else client.get

    answer = call(f"{REQUESTS}/{request.id}{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_request_is_cancelled_once(api, alice):
    client = api(alice)
    path = f"{REQUESTS}/{open_export(alice).id}/cancel"

    assert client.post(path).json()["state"] == "cancelled"
    assert client.post(path).status_code == 409


@pytest.mark.parametrize("accept", ["*/*", "application/zip", "application/json"])
def test_the_export_is_fetched_from_where_the_request_says(api, alice, accept):
    client = api(alice)
    request = open_export(alice)
    early = client.get(f"{REQUESTS}/{request.id}/download", headers={"Accept": accept})
    assert (early.status_code, early.json()["code"]) == (409, "export_not_ready")
    exports.fulfil_request(request.id)

    body = client.get(f"{REQUESTS}/{request.id}").json()
    answer = client.get(body["download"]["url"], headers={"Accept": accept})

    assert body["progress"] == 100
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    data = b"".join(answer.streaming_content)
    assert int(answer["Content-Length"]) == len(data) == body["download"]["size"]
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    left = client.get(f"{REQUESTS}/{request.id}").json()["download"]["downloads_left"]
    assert left == 2


def test_a_used_up_export_is_gone(api, alice):
    client = api(alice)
    request = finished_export(alice)
    for _ in range(3):
        assert client.get(f"{REQUESTS}/{request.id}/download").status_code == 200

    answer = client.get(f"{REQUESTS}/{request.id}/download")

    assert (answer.status_code, answer.json()["code"]) == (404, "export_gone")
    assert client.get(f"{REQUESTS}/{request.id}").json()["download"] is None


def test_a_look_at_the_headers_uses_no_download_up(api, alice):
    client = api(alice)
    request = finished_export(alice)

    assert client.head(f"{REQUESTS}/{request.id}/download").status_code == 405
    left = client.get(f"{REQUESTS}/{request.id}").json()["download"]["downloads_left"]
    assert left == 3


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)],
)
def test_a_page_of_another_site_uses_no_download_up(browser, alice, site, status):
    """With the cookie that a browser would send along (Fetch Metadata, ASVS 3.5.3)."""
    request = finished_export(alice)

    answer = browser(alice).get(
        f"{REQUESTS}/{request.id}/download", headers={"Sec-Fetch-Site": site}
    )

    assert answer.status_code == status
    left = ExportArtifact.objects.get().downloads_left
    assert left == (3 if status == 403 else 2)
