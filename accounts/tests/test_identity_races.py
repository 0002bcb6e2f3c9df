"""Of two who come at once to one identity, one gets it."""

import pytest
from django.test import Client

from accounts.models import (
    AuthSession,
    ExternalIdentity,
    User,
)
from accounts.services import identities
from accounts.services.identities import Claimed
from accounts.tests.factories import (
    make_identity,
    make_provider,
    make_user,
    proven_session,
)
from accounts.tests.provider import come_back, sent
from accounts.tests.race import of_kind, race
from chatsec.core.errors import Conflict

pytestmark = pytest.mark.django_db


SLACK = Claimed("slack", "T-acme", "U-alice", "alice in Slack")


@pytest.mark.django_db(transaction=True)
def test_of_parallel_owners_one_gets_the_identity():
    names = iter([make_user(f"user-{number}") for number in range(8)])

    results = race(
        8, lambda: identities.link_identity(next(names), SLACK, by="session")
    )

    assert of_kind(results, ExternalIdentity) == 1
    assert of_kind(results, Conflict) == 7


@pytest.mark.django_db(transaction=True)
def test_of_two_unlinkings_at_once_one_way_in_is_left():
    alice = make_user("alice", password=None)
    providers = [make_provider(f"https://{n}.example", slug=n) for n in ("a", "b")]
    linked = iter([make_identity(alice, each).id for each in providers])
    session = proven_session(alice)

    results = race(2, lambda: identities.unlink_identity(session, next(linked)))

    assert of_kind(results, Conflict) == 1
    assert ExternalIdentity.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_parallel_answers_one_signs_in(acme, provider):
    make_identity(make_user("alice"), provider)
    client = Client()
    back = come_back(sent(client))
    cookie = client.cookies["session"].value

    def answer():
        twin = Client()
        twin.cookies["session"] = cookie
        return twin.get(back).status_code

    results = race(8, answer)

    assert sorted(results) == [302, *[400] * 7]
    assert acme.requests.count("/token") == 1
    assert AuthSession.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_parallel_first_sign_ins_one_account_comes(acme):
    make_provider(acme.issuer, makes_accounts=True)
    acme.claims = {"email": "zoe@acme.example", "email_verified": True}
    clients = [Client() for _ in range(4)]
    ways = iter([(each, come_back(sent(each))) for each in clients])

    def arrive():
        client, back = next(ways)
        return client.get(back).status_code

    assert race(4, arrive) == [302] * 4
    assert User.objects.count() == 1
    assert ExternalIdentity.objects.count() == 1
