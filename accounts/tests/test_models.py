from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import AuthSession, RefreshToken, User
from accounts.services import tokens
from accounts.tests.factories import make_session, make_user
from chatsec.core.crypto import DecryptionFailed

pytestmark = pytest.mark.django_db


class Grants:
    """A backend that grants one permission to everybody it is asked about."""

    def has_perm(self, user, perm, obj=None):
        return perm == "rbac.read_sales"

    def has_module_perms(self, user, label):
        return label == "rbac"

    def get_all_permissions(self, user, obj=None):
        return {"rbac.read_sales"}


class Vetoes:
    def has_perm(self, user, perm, obj=None):
        raise PermissionDenied


@pytest.fixture
def backends(settings):
    def use(*names):
        settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{name}" for name in names]

    return use


def test_it_keeps_personal_columns_sealed():
    alice = make_user("alice", email="alice@example.org", display_name="Alice Morgan")

    with connection.cursor() as cursor:
        cursor.execute("SELECT u::text FROM accounts_user u")
        (row,) = cursor.fetchone()

    alice.refresh_from_db()
    assert (alice.email, alice.display_name) == ("alice@example.org", "Alice Morgan")
    for text in ("alice@example.org", "Alice Morgan"):
        assert text not in row
        assert text.encode().hex() not in row


def test_it_does_not_open_a_column_that_was_moved_to_somebody_else():
    alice, bob = make_user("alice"), make_user("bob")
    User.objects.filter(id=bob.id).update(email_sealed=alice.email_sealed)
    bob.refresh_from_db()

    with pytest.raises(DecryptionFailed):
        _ = bob.email


@pytest.mark.parametrize(
    "name", ["", "Alice", "al ice", "a@b", "-alice", "\u0430lice", "al\nice", "a" * 65]
)
def test_the_database_refuses_names_that_are_not_plain(name):
    alice = make_user("alice")

    with (
        pytest.raises(Exception, match=r"username_plain|too long"),
        transaction.atomic(),
    ):
        User.objects.filter(id=alice.id).update(username=name)


def test_the_database_refuses_being_ones_own_manager():
    alice = make_user("alice")

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(id=alice.id).update(manager=alice)


def test_nobody_is_above_the_policy():
    alice = make_user("alice", is_staff=True)

    assert alice.is_superuser is False
    with pytest.raises(AttributeError):
        alice.is_superuser = True


def test_permissions_come_from_the_backends(backends):
    backends("Grants")
    alice = make_user("alice")

    assert alice.has_perm("rbac.read_sales")
    assert not alice.has_perm("rbac.read_pii")
    assert alice.has_perms(["rbac.read_sales"])
    assert not alice.has_perms(["rbac.read_sales", "rbac.read_pii"])
    assert alice.has_module_perms("rbac")
    assert alice.get_all_permissions() == {"rbac.read_sales"}


def test_an_inactive_user_has_no_permission(backends):
    backends("Grants")
    alice = make_user("alice", is_active=False)

    assert not alice.has_perm("rbac.read_sales")
    assert not alice.has_module_perms("rbac")
    assert alice.get_all_permissions() == set()


def test_a_backend_can_veto(backends):
    backends("Vetoes", "Grants")

    assert not make_user("alice").has_perm("rbac.read_sales")


def test_unset_attributes_are_unknown_to_conditions():
    erin = make_user("erin", department="legal")

    attributes = erin.policy_attributes()

    assert attributes == {
        "id": str(erin.id),
        "username": "erin",
        "department": "legal",
        "region": None,
        "team": None,
        "approval_limit": None,
    }


@pytest.mark.parametrize(
    ("change", "live"),
    [
        ({}, True),
        ({"revoked_at": timedelta(0)}, False),
        ({"last_seen_at": -timedelta(minutes=29, seconds=59)}, True),
        ({"last_seen_at": -timedelta(minutes=30)}, False),
        ({"expires_at": timedelta(seconds=1)}, True),
        ({"expires_at": timedelta(0)}, False),
    ],
)
def test_a_session_lives_until_it_is_revoked_idle_or_old(change, live):
    now = timezone.now()
    session = AuthSession(
        last_seen_at=now, expires_at=now + timedelta(hours=1), revoked_at=None
    )
    for column, offset in change.items():
        setattr(session, column, now + offset)

    assert session.is_live(now) is live


def test_the_database_refuses_a_second_unused_refresh_token():
    session = make_session(make_user("alice"))
    tokens.issue(session)

    with pytest.raises(IntegrityError), transaction.atomic():
        RefreshToken.objects.create(session=session, digest=b"x" * 32)
