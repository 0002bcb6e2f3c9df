"""A chat channel's user is linked by a code from his own signed-in session."""

import pytest

from accounts.errors import (
    LinkExpired,
    ProofNeeded,
)
from accounts.models import (
    ChannelCode,
    ExternalIdentity,
    IdentityChannel,
)
from accounts.services import identities, sessions
from accounts.services.identities import Claimed
from accounts.tests.factories import (
    make_session,
    make_user,
    proven_session,
)
from accounts.tests.race import of_kind, race

pytestmark = pytest.mark.django_db
LINK = "/account/identities/link/acme"
ACCEPT = "/invitation/with/acme"
SLACK = Claimed("slack", "T-acme", "U-alice", "alice in Slack")


def test_a_channels_user_is_linked_by_a_code_from_a_session():
    alice = make_user("alice")
    code = identities.issue_channel_code(proven_session(alice), IdentityChannel.SLACK)

    identities.spend_channel_code(SLACK, f" {code.lower()} ")

    found = identities.find_identity("slack", tenant="T-acme", subject="U-alice")
    assert found is not None
    assert found.user == alice
    assert found.label == "alice in Slack"
    assert identities.find_identity("slack", tenant="T-evil", subject="U-alice") is None
    with pytest.raises(LinkExpired):
        identities.spend_channel_code(SLACK, code)


def test_a_code_needs_fresh_proof_and_is_kept_as_a_digest():
    alice = make_user("alice")
    with pytest.raises(ProofNeeded):
        identities.issue_channel_code(make_session(alice), IdentityChannel.SLACK)
    session = proven_session(alice)
    first = identities.issue_channel_code(session, IdentityChannel.SLACK)
    second = identities.issue_channel_code(session, IdentityChannel.SLACK)

    assert ChannelCode.objects.count() == 1
    assert second.replace("-", "").encode() not in bytes(
        ChannelCode.objects.get().digest
    )
    with pytest.raises(LinkExpired):
        identities.spend_channel_code(SLACK, first)


def test_a_code_is_for_one_channel_and_its_time_and_its_session():
    alice = make_user("alice")
    session = proven_session(alice)
    code = identities.issue_channel_code(session, IdentityChannel.SLACK)
    with pytest.raises(LinkExpired):
        identities.spend_channel_code(Claimed("teams", "T", "U"), code)
    late = ChannelCode.objects.get().expires_at
    with pytest.raises(LinkExpired):
        identities.spend_channel_code(SLACK, code, now=late)
    code = identities.issue_channel_code(session, IdentityChannel.SLACK)
    sessions.revoke_session(session)
    with pytest.raises(LinkExpired):
        identities.spend_channel_code(SLACK, code)
    assert not ExternalIdentity.objects.exists()


@pytest.mark.parametrize("code", ["", "-", "A" * 24, "\x00", "A" * 100_000])
def test_no_other_code_links(code):
    identities.issue_channel_code(
        proven_session(make_user("alice")), IdentityChannel.SLACK
    )

    with pytest.raises(LinkExpired):
        identities.spend_channel_code(SLACK, code)


@pytest.mark.django_db(transaction=True)
def test_of_parallel_uses_of_a_code_one_links():
    alice = make_user("alice")
    code = identities.issue_channel_code(proven_session(alice), IdentityChannel.SLACK)
    subjects = iter(range(16))

    def spend():
        own = Claimed("slack", "T", f"U-{next(subjects)}")
        return identities.spend_channel_code(own, code)

    results = race(16, spend)

    assert of_kind(results, ExternalIdentity) == 1
    assert of_kind(results, LinkExpired) == 15
    assert ExternalIdentity.objects.count() == 1
