"""Identities elsewhere: linked once by their owner, and unlinked by him."""

from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from django.test import Client, RequestFactory

from accounts.errors import (
    IdentityUnknown,
    ProofNeeded,
    ProviderRequestOver,
)
from accounts.models import (
    AuthSession,
    ExternalIdentity,
    IdentityProvider,
    Notice,
    Origin,
)
from accounts.models.identities import identity_digest
from accounts.selectors import actor_for_session
from accounts.services import identities, people, proof
from accounts.services.provider_sign_in import (
    Errand,
    Purpose,
    send_to_provider,
    take_answer,
)
from accounts.services.sign_in import Proven, open_token_session
from accounts.session_store import SessionStore
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_session,
    make_user,
    proven_session,
    sign_in_browser,
    totp_code,
)
from accounts.tests.provider import come_back, sent, sign_in, who
from auditlog.selectors import list_events
from chatsec.core.context import Channel, set_actor
from chatsec.core.errors import Conflict, NotFound

pytestmark = pytest.mark.django_db
LINK = "/account/identities/link/acme"


def proven(client, user):
    """Return the browser signed in as the user, who has just given his password."""
    sign_in_browser(client, user)
    proof.record_password_confirmation(AuthSession.objects.latest("created_at"))
    return client


def test_its_owner_links_it_from_a_signed_in_session(client, acme, provider):
    alice = make_user("alice")

    answer = sign_in(proven(client, alice), LINK)

    assert answer["Location"] == "/account"
    identity = ExternalIdentity.objects.get()
    assert identity.user == alice
    assert identity.linked_by == "session"
    assert Notice.objects.filter(user=alice, kind="identity_linked").exists()
    assert list_events(event_type="accounts.identity_linked").count() == 1
    page = client.get("/account").content.decode()
    assert "Acme" in page
    assert sign_in(Client())["Location"] == "/"


def test_it_is_kept_sealed_and_found_by_a_keyed_digest(provider):
    alice = make_user("alice")

    identity = make_identity(alice, provider, "00u-zebra")

    row = ExternalIdentity.objects.values_list().get(id=identity.id)
    assert b"zebra" not in b"".join(bytes(x) for x in row if isinstance(x, bytes))
    assert "zebra" not in str([x for x in row if isinstance(x, str)])
    assert ExternalIdentity.objects.get().subject == "00u-zebra"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("oidc", "a", "bc"), ("oidc", "ab", "c")),
        (("slack", "t", "u"), ("teams", "t", "u")),
        (("oidc", 'a","b', "c"), ("oidc", "a", 'b","c')),
        (("oidc", "a", "u"), ("oidc", "a", "U")),
    ],
)
def test_no_two_identities_share_a_digest(one, other):
    digests = {
        identity_digest(channel, tenant=tenant, subject=subject)
        for channel, tenant, subject in (one, other)
    }

    assert len(digests) == 2


def test_linking_needs_fresh_proof(client, acme, provider):
    sign_in_browser(client, make_user("alice"))

    answer = client.post(LINK)

    assert answer["Location"].startswith("/account/confirm")
    assert acme.requests == []


def test_a_stranger_is_sent_to_sign_in(client, provider):
    assert client.post(LINK)["Location"].startswith("/sign-in")


def test_the_answer_links_only_in_the_session_that_asked(client, acme, provider):
    alice, mallory = make_user("alice"), make_user("mallory")
    back = come_back(sent(proven(client, alice), LINK))
    # The same browser, but somebody else has signed in on it meanwhile.
    sign_in_browser(client, mallory)

    assert client.get(back).status_code == 400
    assert not ExternalIdentity.objects.exists()


def test_an_attackers_answer_is_not_taken_by_the_victims_browser(
    client, acme, provider
):
    alice, mallory = make_user("alice"), make_user("mallory")
    back = come_back(sent(proven(Client(), mallory), LINK))

    assert proven(client, alice).get(back).status_code == 400
    assert not ExternalIdentity.objects.exists()


def test_what_is_linked_stays_its_owners(client, acme, linked):
    mallory = make_user("mallory")

    answer = sign_in(proven(client, mallory), LINK)

    assert answer.status_code == 409
    assert b"another account" in answer.content
    assert b"alice" not in answer.content.lower()
    assert ExternalIdentity.objects.get().user == linked


def test_linking_ones_own_again_changes_nothing(client, acme, linked):
    sign_in(proven(client, linked), LINK)

    assert ExternalIdentity.objects.count() == 1
    assert Notice.objects.filter(kind="identity_linked").count() == 1


def test_a_closed_account_links_nothing(provider):
    alice = make_user("alice")
    people.close_account(alice)

    with pytest.raises(IdentityUnknown):
        make_identity(alice, provider)


def test_unlinking_ends_what_the_identity_opened_but_not_this_session(
    client, acme, linked
):
    elsewhere = Client()
    sign_in(elsewhere)
    identity = ExternalIdentity.objects.get()

    answer = proven(client, linked).post(f"/account/identities/{identity.id}/unlink")

    assert answer["Location"] == "/account"
    assert not ExternalIdentity.objects.exists()
    assert who(elsewhere) is None
    assert who(client) == "alice"
    assert sign_in(Client()).status_code == 401
    assert Notice.objects.filter(kind="identity_unlinked").exists()
    assert list_events(event_type="accounts.identity_unlinked").count() == 1


def test_unlinking_needs_fresh_proof(client, provider):
    alice = make_user("alice")
    identity = make_identity(alice, provider)
    sign_in_browser(client, alice)

    answer = client.post(f"/account/identities/{identity.id}/unlink")

    assert answer["Location"].startswith("/account/confirm")
    with pytest.raises(ProofNeeded):
        identities.unlink_identity(make_session(alice), identity.id)
    assert ExternalIdentity.objects.exists()


@pytest.mark.parametrize("name", ["bob", "charlie"])
def test_nobody_elses_identity_can_be_unlinked(provider, name):
    identity = make_identity(make_user("alice"), provider)

    with pytest.raises(NotFound):
        identities.unlink_identity(proven_session(make_user(name)), identity.id)
    with pytest.raises(NotFound):
        identities.unlink_identity(proven_session(identity.user), uuid4())


def test_the_last_way_in_stays(provider):
    alice = make_user("alice", password=None)
    identity = make_identity(alice, provider)

    with pytest.raises(Conflict, match="only way"):
        identities.unlink_identity(proven_session(alice), identity.id)

    other = make_provider("https://id.other.example", slug="other")
    make_identity(alice, other)
    identities.unlink_identity(proven_session(alice), identity.id)
    assert ExternalIdentity.objects.get().provider == other


def test_who_has_no_password_proves_himself_at_the_provider(client, acme, provider):
    alice = make_user("alice", password=None)
    make_identity(alice, provider)
    sign_in(client)
    assert "/account/confirm" in client.post(LINK)["Location"]
    assert b"Sign in again with Acme" in client.get("/account/confirm").content

    answer = sign_in(client, "/account/confirm/with/acme", next="/account")

    assert acme.last_asked["prompt"] == "login"
    assert acme.last_asked["max_age"] == "0"
    assert answer["Location"] == "/account"
    assert client.post(LINK).status_code == 200


@pytest.mark.parametrize("auth_time", [None, 1_000_000, "now", True, 1e300])
def test_an_old_sign_in_there_is_no_fresh_proof(client, acme, linked, auth_time):
    sign_in(client)
    acme.claims = {"auth_time": auth_time}

    assert sign_in(client, "/account/confirm/with/acme").status_code == 401
    assert AuthSession.objects.get().password_confirmed_at is None


def test_somebody_elses_identity_is_no_proof(client, acme, linked):
    sign_in(client)
    acme.subject = "somebody-else"

    assert sign_in(client, "/account/confirm/with/acme").status_code == 401


def test_a_sign_in_there_does_not_stand_in_for_an_own_factor(client, acme, provider):
    carol = make_user("carol", totp=True)
    make_identity(carol, provider)
    sign_in_browser(client, carol)

    assert sign_in(client, "/account/confirm/with/acme").status_code == 403
    assert client.post(LINK)["Location"].startswith("/account/confirm")


def test_an_old_session_there_does_not_count_as_a_sign_in_now(client, acme, linked):
    acme.claims = {"auth_time": 1_700_000_000}

    assert sign_in(client).status_code == 302
    assert AuthSession.objects.get().authenticated_at.year == 2023
    assert AuthSession.objects.get().created_at.year > 2023
    assert sign_in(client, fresh="required").status_code == 401


def test_signing_in_loses_to_unlinking(client, acme, provider):
    """Who was being asked for his code when the identity was unlinked stays out."""
    carol = make_user("carol", totp=True)
    identity = make_identity(carol, provider)
    assert "/sign-in/code" in sign_in(client)["Location"]
    session = make_session(carol, stepped_up=True)
    identities.unlink_identity(session, identity.id)

    client.post("/sign-in/code", {"code": totp_code(carol)})

    assert who(client) is None
    assert AuthSession.objects.get() == session


def test_an_identity_unlinked_at_the_last_moment_opens_nothing(client, provider):
    identity = make_identity(make_user("alice"), provider)
    proven_by = Proven(identity.user, ("fed",), origin=Origin(identity))
    ExternalIdentity.objects.all().delete()

    with pytest.raises(IdentityUnknown):
        open_token_session(proven_by)


def test_a_provider_switched_off_at_the_last_moment_opens_nothing(provider):
    identity = make_identity(make_user("alice"), provider)
    proven_by = Proven(identity.user, ("fed",), origin=Origin(identity))
    IdentityProvider.objects.update(is_active=False)

    with pytest.raises(IdentityUnknown):
        open_token_session(proven_by)


@pytest.mark.parametrize("is_his", [True, False])
def test_the_browser_alone_does_not_link_it_takes_the_session_too(provider, is_his):
    session = proven_session(make_user("alice"))
    other = proven_session(make_user("mallory"))
    request = RequestFactory().get("/")
    request.session = SessionStore()
    errand = Errand(Purpose.LINK, session=session)
    back = come_back(send_to_provider(request, provider, errand))
    answer = dict(parse_qsl(urlsplit(back).query))
    set_actor(actor_for_session(session if is_his else other, Channel.WEB))

    if is_his:
        assert take_answer(request, provider, answer).outcome.user == session.user
        return
    with pytest.raises(ProviderRequestOver):
        take_answer(request, provider, answer)
    assert not ExternalIdentity.objects.exists()
