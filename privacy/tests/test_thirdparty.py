"""Third-party tables: what they hold on a person is exported, erased, expired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from guardian.models import UserObjectPermission

from accounts.models import User
from accounts.services.lockout import user_digest
from chatsec.core import personal_data
from privacy.batches import delete_in_batches

pytestmark = pytest.mark.django_db
LEDGERS = [AccessAttempt, AccessFailureLog, AccessLog]


def declaration(model: str) -> personal_data.Declaration:
    return {each.model: each for each in personal_data.declarations()}[model]


def ledger_row(model, person):
    more = {"failures_since_start": 1} if model is AccessAttempt else {}
    return model.objects.create(
        username=user_digest(person.id).hex(),
        path_info="/sign-in",
        user_agent="",
        **more,
    )


def admin_entry(by, upon) -> LogEntry:
    return LogEntry.objects.create(
        user_id=by.id,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(upon.id),
        object_repr=upon.username,
        action_flag=CHANGE,
        change_message="changed",
    )


def object_permission(person):
    kind = ContentType.objects.get_for_model(User)
    permission = Permission.objects.filter(content_type=kind).first()
    if permission is None:
        permission = Permission.objects.create(
            content_type=kind, codename="look", name="Look"
        )
    return UserObjectPermission.objects.create(
        user=person,
        permission=permission,
        content_type=kind,
        object_pk=str(person.id),
    )


@pytest.mark.parametrize("model", LEDGERS)
def test_failed_sign_ins_are_exported_and_erased_for_their_person(
    alice, charlie, model
):
    ledger_row(model, alice)
    held = declaration(model._meta.label)

    assert [row["path"] for row in held.export(alice.id)] == ["/sign-in"]
    assert list(held.export(charlie.id)) == []
    assert held.erase(charlie.id) == 0
    assert held.erase(alice.id) == 1
    assert not model.objects.exists()


@pytest.mark.parametrize("model", LEDGERS)
def test_failed_sign_ins_expire_unless_held(alice, bob, model):
    for person in (alice, bob):
        ledger_row(model, person)
    held = declaration(model._meta.label)
    later = timezone.now() + timedelta(seconds=1)

    assert held.count_expired(later, frozenset([alice.id])) == 1
    assert held.expire(later, frozenset([alice.id])) == 1
    assert list(held.export(alice.id))


def test_the_admin_log_names_nobody_else_in_an_export(alice, bob, charlie):
    admin_entry(by=alice, upon=bob)
    held = declaration("admin.LogEntry")

    by_alice = list(held.export(alice.id))
    upon_bob = list(held.export(bob.id))

    assert len(by_alice) == len(upon_bob) == 1
    assert "bob" not in str(by_alice)
    assert "alice" not in str(upon_bob)
    assert str(alice.id) not in str(upon_bob)
    assert upon_bob[0]["recorded_as"] == "bob"
    assert list(held.export(charlie.id)) == []


def test_an_erased_person_is_not_named_in_the_admin_log(alice, bob):
    admin_entry(by=alice, upon=bob)
    admin_entry(by=bob, upon=alice)
    held = declaration("admin.LogEntry")

    held.erase(bob.id)

    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_repr, entry.change_message) == (
        alice.id,
        "",
        "",
    )


@pytest.mark.parametrize("held_one", ["by", "upon"])
def test_the_admin_log_keeps_what_is_held(alice, bob, held_one):
    admin_entry(by=alice, upon=bob)
    held = declaration("admin.LogEntry")
    kept = {"by": alice, "upon": bob}[held_one]
    later = timezone.now() + timedelta(seconds=1)

    assert held.expire(later, frozenset([kept.id])) == 0
    assert held.expire(later, frozenset()) == 1


def test_object_permissions_are_exported_and_erased(alice, charlie):
    object_permission(alice)
    held = declaration("guardian.UserObjectPermission")

    assert [row["object_id"] for row in held.export(alice.id)] == [str(alice.id)]
    assert list(held.export(charlie.id)) == []
    assert held.erase(charlie.id) == 0
    assert held.erase(alice.id) == 1


def test_batches_delete_what_they_are_told_and_no_more(alice, bob):
    for _ in range(7):
        ledger_row(AccessLog, alice)
    keep = ledger_row(AccessLog, bob)

    rows = AccessLog.objects.filter(username=user_digest(alice.id).hex())

    assert delete_in_batches(rows, size=3) == 7
    assert list(AccessLog.objects.all()) == [keep]
