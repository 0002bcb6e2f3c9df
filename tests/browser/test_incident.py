"""From refusals to an incident, to its end, to a proof that an outsider checks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from django.core import mail
from django.db import connections
from playwright.sync_api import Page, expect

from auditlog import check_proof, tasks
from auditlog.tests.incidents.factories import make_route
from tests.browser.test_roles import sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(
        transaction=True, databases=["default", "owner", "retention"]
    ),
    pytest.mark.usefixtures("catalogue"),
]
REFUSALS = 5


def checked(proof: Path, *, key: str, head: str) -> int:
    """Return how the stand-alone checker ends, with nothing of ours to import."""
    command = [sys.executable, "-I", check_proof.__file__, str(proof)]
    asked = [*command, "--key", key, "--head", head]
    return subprocess.run(asked, check=False, cwd=proof.parent).returncode


def open_incident(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("main").get_by_role("link", name="Incidents", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("unresolved"))).to_contain_text("1")
    page.get_by_role("link", name=re.compile(r"INC-\d+")).click()
    expect(page.get_by_role("heading", name="At a glance")).to_be_visible()


def deal_with_it(page: Page) -> None:
    story = page.locator(".incident-story")
    expect(story).to_contain_text("Opened by an alert: Refused more than 3 times")
    expect(story).to_contain_text("Told: The security office")
    page.get_by_role("button", name="Acknowledge: I am on it").click()
    expect(story).to_contain_text("Acknowledged, admin")
    note = page.get_by_label("Note").last
    note.fill("Asked bob.\nHe tried out the new page.")
    page.get_by_role("button", name="Add the note").click()
    expect(story).to_contain_text("He tried out the new page.")
    page.get_by_role("button", name="Resolve").click()
    # The browser itself asks for the verdict first.
    expect(page.get_by_label("Verdict")).to_be_focused()
    page.get_by_label("Verdict").select_option("benign")
    page.get_by_role("button", name="Resolve").click()
    expect(story).to_contain_text("Resolved: benign, admin")
    expect(page.get_by_role("button", name="Resolve")).to_have_count(0)


def evidence_of(page: Page, folder: Path) -> Path:
    """Return the evidence of the incident, as downloaded."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the evidence").click()
    path = folder / "evidence.json"
    download.value.save_as(path)
    return path


def proof_of_first(page: Page, folder: Path) -> Path:
    """Return the proof of the newest event behind the incident, as downloaded."""
    behind = page.locator("section[aria-labelledby=events]")
    expect(behind.get_by_role("row")).to_have_count(REFUSALS + 1)
    behind.get_by_role("row").nth(1).get_by_role("link").first.click()
    expect(page.locator("#content")).to_contain_text("authorization_denied")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof").click()
    path = folder / "proof.json"
    download.value.save_as(path)
    return path


def ask_in_vain(client) -> None:
    """Ask the chatbot again and again for what one may not see."""
    chat = client.post("/api/v1/conversations", {"title": ""}).json()["id"]
    for _ in range(REFUSALS):
        path = f"/api/v1/conversations/{chat}/messages"
        answer = client.post(path, {"text": "All employee records"})
        assert answer.json()["status"] == "denied"


def leave_a_head(file: Path) -> dict[str, str]:
    """Seal and anchor as the worker does: in a thread without the browser's loop."""

    def work() -> None:
        try:
            tasks.seal_events()
            tasks.anchor_head()
        finally:
            connections.close_all()

    worker = Thread(target=work)
    worker.start()
    worker.join()
    head: dict[str, str] = json.loads(file.read_text().splitlines()[-1])
    return head


@pytest.fixture
def heads(settings, tmp_path):
    """Where the heads are left: outside of the database."""
    file = tmp_path / "heads.jsonl"
    settings.CHATSEC_AUDIT_ANCHORS = [f"file:{file}"]
    return file


def test_a_burst_of_refusals_is_dealt_with_and_proven(page, admin, bob, api, heads):
    make_route(name="The security office")
    ask_in_vain(api(bob))
    tasks.run_rules()
    tasks.deliver_messages()
    (letter,) = mail.outbox
    assert "/admin/audit/incidents/" in str(letter.body)
    assert "bob" not in str(letter.body)

    sign_in(page, admin)
    open_incident(page)
    deal_with_it(page)

    anchor = leave_a_head(heads)
    key, head = anchor["first_public_key"], anchor["head"]
    evidence = evidence_of(page, heads.parent)
    assert checked(evidence, key=key, head=head) == 0
    assert checked(evidence, key=key, head="00" * 32) == 1
    proof = proof_of_first(page, heads.parent)
    assert checked(proof, key=key, head=head) == 0
    assert checked(proof, key=key, head="00" * 32) == 1
    assert "bob" not in proof.read_text()
