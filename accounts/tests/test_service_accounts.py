"""Accounts of programs: no way in but keys, whatever anybody tries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import ApiKey, AuthSession, Notice, ServiceAccount, User
from accounts.selectors import (
    actor_for_key,
    declared_volumes,
    find_api_key,
    signs_in,
)
from accounts.services import (
    account_tokens,
    invitations,
    passwords,
    people,
    sessions,
)
from accounts.services.api_keys import KeyTerms, make_service_key, revoke_key
from accounts.services.service_accounts import (
    create_service_account,
    update_service_account,
)
from accounts.tests.factories import PASSWORD, make_session, make_user
from auditlog.selectors import list_events, read_events
from chatsec.core.context import ActorKind
from chatsec.core.errors import Conflict, Denied, DomainError, Invalid

pytestmark = pytest.mark.django_db
PUBLIC = KeyTerms(name="import", scopes=["read_public_faq"])


@pytest.fixture
def importer(erin):
    return create_service_account(
        "importer", purpose="Imports the FAQ", responsible=erin
    )


def proven(user):
    return make_session(user, stepped_up=True)


def test_it_is_an_account_without_a_password(importer, erin):
    user = User.objects.get(username="importer")

    assert user.is_service
    assert not user.has_usable_password()
    assert not user.is_staff
    assert user.email.endswith(".invalid")
    assert (importer.responsible, importer.purpose) == (erin, "Imports the FAQ")
    (event,) = read_events(list_events(event_type="accounts.service_account_made"))
    assert event.details == {"expected_queries_per_day": None}


@pytest.mark.parametrize(
    ("username", "declared", "field"),
    [
        ("no spaces", {}, "username"),
        ("at@sign", {}, "username"),
        ("", {}, "username"),
        ("importer", {"purpose": ""}, "purpose"),
        ("importer", {"purpose": "x" * 201}, "purpose"),
        ("importer", {"expected_queries_per_day": 0}, "expected_queries_per_day"),
        ("importer", {"expected_queries_per_day": 10**7}, "expected_queries_per_day"),
        ("importer", {"responsible": None}, "responsible"),
    ],
)
def test_it_refuses_what_breaks_a_rule_and_leaves_nothing(
    erin, username, declared, field
):
    given = {"purpose": "Imports", "responsible": erin, **declared}

    with pytest.raises(Invalid) as refused:
        create_service_account(username, **given)

    assert field in refused.value.fields
    assert not User.objects.filter(is_service=True).exists()


def test_a_person_with_an_open_account_answers_for_it(importer, erin):
    erin.is_active = False
    for nobody in (importer.user, erin):
        with pytest.raises(Invalid):
            update_service_account(importer, responsible=nobody)
    with pytest.raises(Conflict):
        create_service_account("erin", purpose="x", responsible=make_user("fay"))


def test_changes_leave_evidence(importer):
    update_service_account(importer, expected_queries_per_day=5000)
    update_service_account(importer, expected_queries_per_day=5000)

    assert declared_volumes() == {importer.user_id: 5000}
    (event,) = read_events(list_events(event_type="accounts.service_account_changed"))
    assert event.details["columns"] == ["expected_queries_per_day"]


@pytest.mark.parametrize(
    "attempt",
    [
        lambda user: people.set_password(user, PASSWORD),
        invitations.invite_again,
        passwords.send_reset,
        lambda user: sessions.start_session(user, kind="browser", amr=("pwd",)),
        lambda user: sessions.start_session(user, kind="token", amr=("pwd",)),
        lambda user: people.update_user(user, is_staff=True),
    ],
)
def test_no_service_gives_it_a_way_to_sign_in(importer, attempt):
    with pytest.raises(DomainError):
        attempt(importer.user)

    user = User.objects.get(id=importer.user_id)
    assert not user.has_usable_password()
    assert not AuthSession.objects.filter(user=user).exists()


@pytest.mark.parametrize("change", [{"password": "md5$x$y"}, {"is_staff": True}])
def test_the_database_refuses_it_too(importer, change):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(id=importer.user_id).update(**change)


def test_a_session_or_link_made_behind_the_services_is_no_good(importer, erin):
    session = make_session(erin)
    link = account_tokens.issue(erin, account_tokens.Purpose.INVITATION)
    User.objects.filter(id=erin.id).update(password="!", is_service=True)

    session.user.refresh_from_db()

    assert not signs_in(session, now=timezone.now())
    assert account_tokens.find(link, account_tokens.Purpose.INVITATION) is None


def test_passwords_and_resets_answer_as_for_nobody(client, importer):
    body = {"username": "importer", "password": PASSWORD}

    signed = client.post("/api/v1/auth/token", body, content_type="application/json")
    unknown = client.post(
        "/api/v1/auth/token",
        {**body, "username": "nobody-at-all"},
        content_type="application/json",
    )

    assert signed.status_code == unknown.status_code == 401
    assert signed.json()["detail"] == unknown.json()["detail"]


def test_its_key_acts_as_a_service_and_tells_who_answers_for_it(importer, erin, admin):
    made = make_service_key(proven(admin), importer, PUBLIC)

    actor = actor_for_key(find_api_key(made.text))

    assert actor.kind is ActorKind.SERVICE
    assert actor.person == importer.user
    assert not actor.can_step_up
    revoke_key(made.key, because="test")
    told = Notice.objects.filter(user=erin).order_by("created_at")
    assert [notice.kind for notice in told] == ["api_key_made", "api_key_revoked"]
    assert told[0].facts["account"] == "importer"
    assert not Notice.objects.filter(user=importer.user).exists()


def test_nobody_to_tell_is_no_obstacle(importer, admin):
    ServiceAccount.objects.update(responsible=None)
    importer.refresh_from_db()

    assert make_service_key(proven(admin), importer, PUBLIC)


def test_its_keys_carry_what_it_holds_itself_not_what_their_maker_does(importer, admin):
    session = proven(admin)

    with pytest.raises(Invalid) as refused:
        make_service_key(session, importer, replace(PUBLIC, scopes=["read_sales"]))

    assert "scopes" in refused.value.fields
    assert not ApiKey.objects.exists()


def test_closing_it_ends_its_keys(importer, admin):
    made = make_service_key(proven(admin), importer, PUBLIC)

    people.close_account(importer.user)

    assert find_api_key(made.text).revoked_because == "account_closed"
    with pytest.raises((Denied, Invalid)):
        make_service_key(proven(admin), importer, PUBLIC)
