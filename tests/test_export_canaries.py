"""One person with a canary in every field of every app: all of them are in the export.

The manifest must show rows for every model on the data map, so that a declaration which
nobody filled here fails the test: coverage is proven, not declared.
"""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from guardian.models import UserObjectPermission

from accounts.models import (
    AccountToken,
    AuthenticationRequest,
    AuthSession,
    IdentityChannel,
    TOTPFactor,
    User,
)
from accounts.notices import API_KEY_MADE
from accounts.selectors import actor_for_session
from accounts.services import (
    account_tokens,
    challenges,
    identities,
    known_devices,
    lockout,
    notices,
)
from accounts.services.api_keys import KeyTerms, make_own_key
from accounts.services.factors import make_recovery_codes
from accounts.services.service_accounts import create_service_account
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_session,
    make_user,
)
from accounts.tests.soft_passkey import set_up_passkey
from auditlog.models import DetectionRule
from auditlog.services import Target, detection, incidents, record
from auditlog.services.detection.exempting import Exempted
from auditlog.services.searches import save_search
from auditlog.tests.detection.factories import make_habits
from auditlog.tests.incidents.factories import make_incident
from chat.models import KnowledgeCollection, QueryDefinition
from chat.services.conversations import start_conversation
from chat.services.ledger import Grid, remember_release
from chatsec.core import personal_data
from chatsec.core.context import SYSTEM, Channel
from privacy import events
from privacy.services import consent, exports, requests, retention
from rbac.models import (
    AccessRequest,
    BreakGlassActivation,
    BreakGlassEligibility,
    Role,
)
from rbac.services import as_actor, assign_role, grant_object

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


class Canaries:
    """Words that occur nowhere else."""

    def __init__(self) -> None:
        self.sung: list[str] = []

    def __call__(self, where: str) -> str:
        word = f"canary-{len(self.sung)}-{where}"
        self.sung.append(word)
        return word


@pytest.fixture(autouse=True)
def _own_directory(tmp_path, settings):
    settings.CHATSEC_DATA_DIR = tmp_path


@pytest.fixture
def canary():
    return Canaries()


@pytest.fixture
def piper(db, canary):
    """A person who has left something everywhere."""
    user = make_user(
        canary("username"),
        email=f"{canary('email')}@example.org",
        display_name=canary("name"),
        department=canary("department"),
        region=canary("region"),
        team=canary("team"),
        approval_limit=4711,
        totp=True,
    )
    for role in ("sales_manager", "hr_specialist"):
        assign_role(SYSTEM, user=user, role=role, reason=canary("reason"))
    return user


@pytest.fixture
def session(piper, canary) -> AuthSession:
    session = make_session(piper, stepped_up=True)
    session.user_agent = canary("device")
    session.name = canary("device-name")
    session.save()
    factor = TOTPFactor.objects.get(user=piper)
    factor.name = canary("factor")
    factor.save()
    make_recovery_codes(piper)
    set_up_passkey(piper, name=canary("passkey"))
    return session


def sign_in_traces(actor, person, canary) -> None:
    known_devices.remember_app(AuthSession.objects.get(id=actor.session_id))
    challenges.start(actor, operation="session")
    account_tokens.issue(
        person,
        AccountToken.Purpose.EMAIL_CHANGE,
        email=f"{canary('new-email')}@example.org",
    )
    notices.notify(person, API_KEY_MADE, facts={"name": canary("notice")})
    key_traces(person, canary)
    with lockout.attempt(person, ip="192.0.2.1") as attempt:
        attempt.succeeded = False
    seen = {"username": lockout.user_digest(person.id).hex(), "user_agent": ""}
    AccessAttempt.objects.create(
        **seen, path_info=f"/{canary('attempt')}", failures_since_start=1
    )
    AccessFailureLog.objects.create(**seen, path_info=f"/{canary('failure')}")
    AccessLog.objects.create(**seen, path_info=f"/{canary('log')}")


def identity_traces(session, person, canary) -> None:
    provider = make_provider(slug="acme", name=canary("provider"))
    make_identity(person, provider, canary("subject"))
    identities.issue_channel_code(session, IdentityChannel.SLACK)
    waiting = AuthenticationRequest(
        provider=provider,
        purpose=AuthenticationRequest.Purpose.LINK,
        session=session,
        state_digest=b"state",
        browser_digest=b"browser",
        expires_at=timezone.now() + timedelta(minutes=10),
    )
    waiting.content = {"nonce": "of-no-person"}
    waiting.save()


def audit_traces(actor, canary) -> None:
    save_search(
        actor, name=canary("search"), words={"outcome": "denied"}, is_shared=False
    )


def key_traces(person, canary) -> None:
    session = make_session(person, stepped_up=True)
    terms = KeyTerms(name=canary("key"), scopes=["read_sales"])
    make_own_key(session, terms)
    create_service_account("importer", purpose=canary("purpose"), responsible=person)


def administration_traces(person, canary) -> None:
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user_id=person.id,
        content_type=kind,
        object_id=canary("object"),
        object_repr="",
        action_flag=CHANGE,
        change_message="",
    )
    permission, _ = Permission.objects.get_or_create(
        content_type=kind, codename=canary("codename"), defaults={"name": "Look"}
    )
    UserObjectPermission.objects.create(
        user=person,
        permission=permission,
        content_type=kind,
        object_pk=str(person.id),
    )


def governance_traces(person, canary) -> None:
    role, now = Role.objects.get(name="finance"), timezone.now()
    AccessRequest.objects.create(
        requester=person,
        role=role,
        reason=canary("wish"),
        duration=timedelta(hours=1),
        expires_at=now,
        decision_reason=canary("decision"),
    )
    BreakGlassEligibility.objects.create(
        user=person, role=role, reason=canary("eligible")
    )
    BreakGlassActivation.objects.create(
        user=person,
        role=role,
        reason=canary("emergency"),
        assignment=person.role_assignments.first(),
        started_at=now,
        ends_at=now,
    )


def object_traces(person, canary) -> None:
    """Let him read a colleague's conversation, ask a question, open a collection."""
    colleague = make_user("colleague")
    shared = start_conversation(as_actor(colleague))
    grant_object(
        as_actor(colleague),
        obj=shared,
        permission="chat.view_conversation",
        to=person,
        reason="for the test",
    )
    collection = KnowledgeCollection.objects.create(name=canary("collection"))
    query = QueryDefinition.objects.get(key="salary")
    for obj, permission in (
        (collection, "chat.view_knowledgecollection"),
        (query, "chat.run_querydefinition"),
    ):
        grant_object(
            SYSTEM, obj=obj, permission=permission, to=person, reason="for the test"
        )


def privacy_traces(actor, admin_actor, canary) -> None:
    consent.give_consent(actor, purpose="improve_service")
    matter = canary("matter")
    retention.place_hold(admin_actor, subject_id=actor.id, matter=matter)
    asked = requests.open_request(actor, "objection")
    requests.resolve_request(
        admin_actor, asked.id, outcome="refused", resolution=canary("resolution")
    )
    record(
        events.REQUEST_RESOLVED,
        actor=SYSTEM,
        target=Target("user", actor.id, canary("label")),
        subject_id=actor.id,
        subject_details={"about": canary("evidence")},
    )


def habit_traces(person, canary) -> None:
    pseudonym = make_habits(person.id)
    rule = DetectionRule.objects.get(name="queries_in_24_hours")
    detection.make_exception(
        rule.id,
        Exempted(actor_pseudonym=pseudonym),
        reason=canary("exempted"),
        expires_at=timezone.now() + timedelta(days=1),
    )
    detection.open_trial(as_actor(person), rule, days=7, now=timezone.now())


def incident_traces(person, handler, canary) -> None:
    incident = make_incident(person.id)
    note = canary("note")
    incidents.resolve(handler, incident.id, verdict="benign", note=note)


def chat_traces(client, canary) -> None:
    started = client.post("/api/v1/conversations", {"title": canary("title")})
    assert started.status_code == 201, started.content
    path = f"/api/v1/conversations/{started.json()['id']}/messages"
    question = f"Total sales for Q4 {canary('question')}"
    texts = (question, "Approve a discount of 100 on sale 12", "All employee records")
    said = [client.post(path, {"text": text}).json()["status"] for text in texts]
    # The last one waits for a code: it is a pending question.
    assert said == ["answered", "answered", "mfa_required"]


def group_traces(person) -> None:
    """Have the person shown the figure of a group of six."""
    units = {bytes([n]) * 8: bytes([n]) * 8 for n in range(6)}
    remember_release(
        person.id,
        Grid(b"relation", b"basis"),
        [frozenset(units)],
        persons=units,
        now=timezone.now(),
    )


def test_every_canary_sings_in_the_export(piper, session, canary, api, admin):
    actor = actor_for_session(session, Channel.API)
    admin_actor = actor_for_session(make_session(admin, stepped_up=True), Channel.API)
    sign_in_traces(actor, piper, canary)
    identity_traces(session, piper, canary)
    administration_traces(piper, canary)
    object_traces(piper, canary)
    governance_traces(piper, canary)
    privacy_traces(actor, admin_actor, canary)
    habit_traces(piper, canary)
    incident_traces(piper, admin_actor, canary)
    chat_traces(api(piper), canary)
    group_traces(piper)
    audit_traces(actor, canary)

    first = requests.open_request(actor, "access")
    assert exports.fulfil_request(first.id)
    request = requests.open_request(actor, "access")
    assert exports.fulfil_request(request.id)

    archive = fetched(api(piper), request.id)
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    silent = [word for word in canary.sung if word not in everything]
    assert silent == []
    assert empty_models(archive) == []


def fetched(client, request_id) -> zipfile.ZipFile:
    answer = client.get(f"/api/v1/privacy/requests/{request_id}/download")
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def empty_models(archive: zipfile.ZipFile) -> list[str]:
    files = json.loads(archive.read("manifest.json"))["files"]
    rows = {each["model"]: each["rows"] for each in files if each["model"]}
    assert set(rows) == {each.model for each in personal_data.declarations()}
    return sorted(model for model, count in rows.items() if not count)
