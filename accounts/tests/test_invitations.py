import pytest

from accounts import notices
from accounts.errors import AccountLocked, LinkExpired
from accounts.models import AccountToken, Notice, User
from accounts.services import people
from accounts.services.invitations import accept_invitation, invite, invite_again
from accounts.services.lockout import attempt
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.links import mailed_link, mailed_token
from accounts.tests.race import of_kind, race
from chatsec.core.errors import Conflict, Invalid


@pytest.fixture
def zoe(db):
    return invite("zoe", email="zoe@example.org", display_name="Zoe Zander")


def test_an_invitation_makes_an_account_that_signs_nobody_in(zoe, settings):
    assert zoe.status == "invited"
    assert not zoe.has_usable_password()
    assert Notice.objects.get(user=zoe).kind == notices.INVITED
    link = mailed_link(zoe)
    assert link.startswith(f"{settings.CHATSEC_PUBLIC_URL}/invitation?token=")


def test_accepting_sets_name_and_password(zoe):
    accept_invitation(mailed_token(zoe), password=PASSWORD, display_name="Z. Zander")

    zoe.refresh_from_db()
    assert zoe.status == "active"
    assert zoe.display_name == "Z. Zander"
    assert zoe.check_password(PASSWORD)


def test_an_invitation_is_used_once(zoe):
    raw = mailed_token(zoe)
    accept_invitation(raw, password=PASSWORD)

    with pytest.raises(LinkExpired):
        accept_invitation(raw, password="seven lanterns drift past noon")

    assert User.objects.get(id=zoe.id).check_password(PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_at_once_exactly_one_is_in():
    zoe = invite("zoe", email="zoe@example.org")
    raw = mailed_token(zoe)

    results = race(16, lambda: accept_invitation(raw, password=PASSWORD))

    assert of_kind(results, User) == 1
    assert of_kind(results, LinkExpired) + of_kind(results, AccountLocked) == 15


@pytest.mark.parametrize(
    "password", ["short", "password1234", "example and seven lanterns"]
)
def test_a_bad_password_leaves_the_invitation_good(zoe, password):
    raw = mailed_token(zoe)

    with pytest.raises(Invalid):
        accept_invitation(raw, password=password, display_name="Zed")

    assert User.objects.get(id=zoe.id).display_name == "Zoe Zander"
    accept_invitation(raw, password=PASSWORD)


def test_a_second_invitation_kills_the_first(zoe):
    first = mailed_token(zoe)

    invite_again(zoe)

    with pytest.raises(LinkExpired):
        accept_invitation(first, password=PASSWORD)
    accept_invitation(mailed_token(zoe), password=PASSWORD)


def test_who_has_a_password_or_is_closed_is_not_invited_again(zoe):
    for user in (make_user("alice"), people.close_account(zoe)):
        with pytest.raises(Conflict):
            invite_again(user)

    assert AccountToken.objects.filter(user__username="alice").count() == 0


def test_a_closed_account_cannot_accept(zoe):
    raw = mailed_token(zoe)
    people.close_account(User.objects.get(id=zoe.id))

    with pytest.raises(LinkExpired):
        accept_invitation(raw, password=PASSWORD)


def test_a_taken_name_invites_nobody(zoe):
    with pytest.raises(Conflict):
        invite("ZOE", email="other@example.org")
    with pytest.raises(Conflict):
        invite("zoe2", email="Zoe@Example.org")

    assert AccountToken.objects.count() == Notice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_invitations_of_one_name_one_is_made():
    results = race(2, lambda: invite("zoe", email="zoe@example.org"))

    assert of_kind(results, User) == of_kind(results, Conflict) == 1
    assert AccountToken.objects.count() == 1


def test_nobody_signs_in_without_a_password(zoe):
    with attempt(zoe, ip=None) as tried:
        from accounts.backends import PasswordBackend

        found = PasswordBackend().authenticate(None, "zoe", "", attempt=tried)

    assert found is None
