"""An invitation is accepted by an identity, once."""

import pytest
from django.test import Client

from accounts.models import (
    AccountToken,
    ExternalIdentity,
)
from accounts.services import account_tokens
from accounts.tests.factories import (
    make_user,
)
from accounts.tests.provider import come_back, sent, sign_in, who
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db


ACCEPT = "/invitation/with/acme"


@pytest.fixture
def invitation(provider):
    """Return the token of a mailed invitation, and who is invited."""
    user = make_user("zoe", password=None)
    return account_tokens.issue(user, AccountToken.Purpose.INVITATION), user


def test_an_invitation_is_accepted_by_an_identity(client, acme, invitation):
    raw, user = invitation
    assert b"Use Acme instead of a password" in (
        client.get(f"/invitation?token={raw}").content
    )

    answer = sign_in(client, ACCEPT, token=raw)

    assert answer.status_code == 302
    assert who(client) == "zoe"
    assert ExternalIdentity.objects.get().linked_by == "invitation"
    assert not user.has_usable_password()
    assert list_events(event_type="accounts.invitation_accepted").count() == 1
    assert client.post(ACCEPT, {"token": raw}).status_code == 400


def test_an_invitation_links_once(client, acme, invitation):
    raw, _ = invitation
    twin = Client()
    first, second = (
        come_back(sent(each, ACCEPT, token=raw)) for each in (client, twin)
    )
    acme.subject = "first"

    assert client.get(first).status_code == 302
    acme.subject = "second"
    assert twin.get(second).status_code == 400
    assert ExternalIdentity.objects.count() == 1


def test_an_invitation_does_not_take_a_linked_identity(
    client, acme, linked, invitation
):
    raw, user = invitation

    assert sign_in(client, ACCEPT, token=raw).status_code == 409
    assert ExternalIdentity.objects.get().user == linked
    assert account_tokens.find(raw, AccountToken.Purpose.INVITATION) is not None
    assert not user.identities.exists()


@pytest.mark.parametrize("raw", ["", "csl_guess", "\x00"])
def test_no_invitation_no_way(client, acme, provider, raw):
    assert client.post(ACCEPT, {"token": raw}).status_code == 400
    assert acme.requests == []
