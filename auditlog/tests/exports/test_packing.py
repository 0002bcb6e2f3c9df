"""The evidence of an incident, from the button to a checker without chatsec."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import check_proof, selectors
from auditlog.models import Event, ExportPlace, Incident, Seal
from auditlog.services import anchoring, incidents, packing, sealer
from auditlog.services.export_places import AT_ONCE, take_place
from auditlog.tests.factories import make_actor, make_denials
from auditlog.tests.incidents.factories import make_incident
from auditlog.tests.proofs.test_check_proof import run_checker

Api = Callable[..., Any]
SECOND = timedelta(seconds=1)


def api_path(incident: Any) -> str:
    return f"/api/v1/audit/incidents/{getattr(incident, 'pk', incident)}/evidence"


def page_path(incident: Any) -> str:
    return f"/admin/audit/incidents/{getattr(incident, 'pk', incident)}/evidence"


def incident_of(person: Any, *, denials: int = 3) -> Incident:
    """Return an incident about the person with the refusals that it rests on."""
    now = timezone.now()
    actor = make_actor(person)
    make_denials(actor, count=denials, every=SECOND, until=now)
    return make_incident(person.id, at=now, first_at=now - denials * SECOND)


def downloaded(client: Any, incident: Incident) -> bytes:
    """Return what the button of the incident's page gives."""
    page = client.get(page_path(incident).removesuffix("/evidence"))
    assert f'action="{page_path(incident)}"' in page.content.decode()
    answer = client.post(page_path(incident))
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment; ")
    content: bytes = answer.content
    return content


def handled(incident: Incident, by: Any) -> None:
    """Let the incident be dealt with, its end not sealed yet and the rest anchored."""
    incidents.acknowledge(make_actor(by), incident.pk)
    sealer.seal_pending()
    incidents.add_note(make_actor(by), incident.pk, text="Asked alice")
    sealer.seal_pending()
    anchoring.anchor_head()
    incidents.resolve(make_actor(by), incident.pk, verdict="benign", note="A test")


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "retention"])
def test_an_incident_is_handed_to_somebody_who_checks_it(
    browser: Api, admin: Any, alice: Any, tmp_path: Path, settings: Any
) -> None:
    heads, file = tmp_path / "heads.jsonl", tmp_path / "evidence.json"
    settings.CHATSEC_AUDIT_ANCHORS = [f"file:{heads}"]
    incident = incident_of(alice)
    handled(incident, admin)

    file.write_bytes(downloaded(browser(admin), incident))

    taken = Event.objects.get(event_type="auditlog.evidence_exported")
    digest = taken.resource_id.removeprefix("sha256:")
    anchor = json.loads(heads.read_text())
    key, head = anchor["first_public_key"], anchor["head"]
    for words in (
        [],
        ["--key", key, "--head", head],
        ["--key", key, "--anchors", str(heads), "--digest", digest],
    ):
        status, said = run_checker(file, *words)
        assert status == 0, said
        assert said.count(": proven, leaf ") == 6
        assert said.count("incident_resolved success") == 1
        assert said.count("NOT PROVEN: not sealed yet") == 1
        assert said.count(f"your head {head}") == (6 if words else 0)
        assert said.count(f"up to head {head}") == (0 if words else 6)
    for word in ("--key", "--head", "--digest"):
        assert run_checker(file, word, "00" * 32)[0] == 1
    package = json.loads(file.read_bytes())
    assert (taken.result_count, package["digest"]) == (7, digest)
    texts = [line["text"] for line in package["incident"]["timeline"]]
    assert [text for text in texts if text] == ["Asked alice", "A test"]
    assert package["incident"]["verdict"] == "benign"


@pytest.mark.django_db
def test_the_timeline_says_who_took_the_evidence_and_how_much(
    api: Api, browser: Api, admin: Any, alice: Any
) -> None:
    incident = incident_of(alice)

    package = api(admin).post(api_path(incident)).json()

    (line,) = selectors.read_story(incident).entries[1:]
    assert (line.entry.kind, line.author) == ("exported", "admin")
    assert line.entry.facts == {"events": 4, "digest": package["digest"]}
    page = browser(admin).get(page_path(incident).removesuffix("/evidence"))
    assert "Evidence taken: 4 events" in page.content.decode()
    # What was taken before is in the next package.
    again = api(admin).post(api_path(incident)).json()
    kinds = [each["kind"] for each in again["incident"]["timeline"]]
    assert kinds == ["opened", "exported"]


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "retention"])
def test_it_says_what_it_leaves_out_and_what_no_anchor_follows(
    api: Api, admin: Any, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST_EVENTS", 3)
    monkeypatch.setattr(packing, "MOST_SEALS", 1)
    incident = incident_of(alice, denials=4)
    sealer.seal_pending()
    sealer.seal_pending(now=timezone.now() + timedelta(minutes=2))
    anchoring.anchor_head()

    package = api(admin).post(api_path(incident)).json()

    assert package["manifest"]["left_out"] == {"events": 2, "timeline": 0, "alerts": 0}
    types = [each["event"]["event_type"] for each in package["events"]]
    # What happened to the incident comes before what is behind it, which is many.
    assert types == [*["authorization_denied"] * 2, "auditlog.incident_opened"]
    said = check_proof.check_package(package, check_proof.Outside())
    assert sum("by the key alone" in line for line in said) == 3
    assert any(line.startswith("Left out: 2 events") for line in said)


@pytest.mark.django_db
def test_nothing_sealed_is_a_package_too(api: Api, admin: Any, alice: Any) -> None:
    incident = incident_of(alice)

    package = api(admin).post(api_path(incident)).json()

    assert (package["seals"], package["public_key"]) == ([], "")
    said = check_proof.check_package(package, check_proof.Outside())
    assert sum("not sealed yet when" in line for line in said) == 4


@pytest.mark.django_db
@pytest.mark.parametrize("may", [(), ("view_audit",), ("manage_incidents",)])
def test_a_stranger_gets_none_and_one_right_is_not_enough(
    api: Api, allow: Api, charlie: Any, may: tuple[str, ...]
) -> None:
    allow(charlie, *may)

    assert api(charlie).post(api_path(make_incident())).status_code == 403
    assert api(charlie).post(api_path(uuid7())).status_code == 403
    assert not Event.objects.filter(event_type="auditlog.evidence_exported").exists()


@pytest.mark.django_db
def test_pages_give_it_to_nobody_else_either(
    api: Api, browser: Api, admin: Any, auditor: Any, charlie: Any
) -> None:
    incident = make_incident()

    assert api().post(api_path(incident)).status_code == 401
    assert browser(auditor).post(page_path(incident)).status_code == 403
    assert browser(charlie).post(page_path(incident)).status_code in {302, 403}
    assert not Event.objects.filter(event_type="auditlog.evidence_exported").exists()


@pytest.mark.django_db
def test_what_is_not_there_and_reads(api: Api, browser: Api, admin: Any) -> None:
    incident = make_incident()

    assert api(admin).post(api_path(uuid7())).status_code == 404
    assert browser(admin).post(page_path(uuid7())).status_code == 404
    assert api(admin).get(api_path(incident)).status_code == 405
    assert browser(admin).get(page_path(incident)).status_code == 405


@pytest.mark.django_db
def test_it_waits_its_turn_with_the_exports(
    api: Api, browser: Api, admin: Any, alice: Any
) -> None:
    incident = make_incident(alice.id)
    for _ in range(AT_ONCE):
        take_place(now=timezone.now())

    answer = api(admin).post(api_path(incident))
    page = browser(admin).post(page_path(incident), follow=True)

    assert (answer.status_code, "Retry-After" in answer) == (429, True)
    assert "Other exports are running." in page.content.decode()
    assert ExportPlace.objects.count() == AT_ONCE


@pytest.mark.django_db
def test_a_failure_gives_the_place_back_and_nothing_out(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_words: object, **_named: object) -> None:
        raise RuntimeError

    incident = make_incident()
    monkeypatch.setattr(packing, "record", fail)

    with pytest.raises(RuntimeError):
        packing.export_evidence(incident.pk)

    assert not ExportPlace.objects.exists()
    assert not Seal.objects.exists()
