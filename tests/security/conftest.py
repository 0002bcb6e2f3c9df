"""An inhabited installation: rows of many kinds, so that pages show something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import cycle, product
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.api_keys import KeyTerms, make_own_key
from accounts.services.proof import record_password_confirmation
from accounts.tests.factories import (
    access_token,
    make_identity,
    make_provider,
    make_session,
)
from accounts.tests.oauth.app import register_site
from auditlog.selectors import list_events
from chat.tests.factories import publish_demo_catalogue
from chatsec.core import context
from chatsec.core.crypto import subject_keys
from privacy.services.retention import place_hold
from privacy.tests.factories import actor_of
from tests import database
from tests.cast import make_person
from tests.security.reading import Request, Walk, walk
from tests.security.routes import Route, all_routes
from tests.security.tls import behind_tls

WALKS = pytest.StashKey[dict[str, Walk]]()
FOREIGN = {"Origin": "https://evil.example"}
# No POST: with a good token it would act. The answers to a POST without one and the
# refusals of other tests are the same pages and problems.
OTHER_METHODS = ("HEAD", "OPTIONS", "TRACE", "PUT")
UNKNOWN = ("TRACE", "CONNECT", "TRACK", "PROPFIND", "MOVE", "BREW")


@pytest.fixture(scope="module")
def inhabited(
    django_db_setup: None, django_db_blocker: Any, business: str
) -> Iterator[Mapping[str, str]]:
    """The people and their things, made once for a file: its tests roll back to them.

    A file in which some tests need them and others only a database names it in its
    marks, so that no test meets them or not by the order of tests.
    """
    with django_db_blocker.unblock(), ExitStack() as stack:
        stack.enter_context(database.underneath())
        with context.bound(context.RequestContext()):
            made = _inhabit(business)
        kept = stack.pop_all()
    yield made
    with django_db_blocker.unblock():
        kept.close()


@pytest.fixture
def alice(db: None, inhabited: Mapping[str, str]) -> User:
    """Sales manager of the team that bob is in."""
    return User.objects.get(username="alice")


@pytest.fixture
def bob(db: None, inhabited: Mapping[str, str]) -> User:
    """Sales representative, alice's colleague."""
    return User.objects.get(username="bob")


@pytest.fixture
def admin(db: None, inhabited: Mapping[str, str]) -> User:
    """An administrator, staff, with an authenticator app."""
    return User.objects.get(username="admin")


@pytest.fixture
def world(db: None, inhabited: Mapping[str, str]) -> Mapping[str, str]:
    """Return real values of route parameters; alice owns what has an owner."""
    return inhabited


def _inhabit(business: str) -> Mapping[str, str]:
    cache.clear()
    publish_demo_catalogue(business)
    alice, bob, admin = (make_person(name) for name in ("alice", "bob", "admin"))
    return {
        "conversation_id": _conversation(_program_of(alice)),
        "request_id": _wish_for_a_role(_program_of(bob)),
        "name": "sales_rep",
        "rule": "denials_in_1_hour",
        "purpose": "improve_service",
        "user_id": str(alice.pk),
        "pseudonym": str(subject_keys().pseudonym(alice.pk)),
        **_ways_in(alice),
        **_office(bob, admin, _program_of(alice)),
    }


def _program_of(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(user)}")
    return client


def _conversation(client: Any) -> str:
    made = client.post("/api/v1/conversations", {"title": "Quarter"})
    said = client.post(
        f"/api/v1/conversations/{made.json()['id']}/messages",
        {"text": "What were the total sales in Q3 2025?"},
    )
    assert said.json()["status"] == "answered", said.content
    return str(made.json()["id"])


def _wish_for_a_role(client: Any) -> str:
    wish = {"role": "finance", "reason": "Closing the year", "duration_seconds": 86400}
    made = client.post("/api/v1/rbac/requests", wish)
    assert made.status_code == 201, made.content
    return str(made.json()["id"])


def _ways_in(user: Any) -> dict[str, str]:
    """Return a session, a key, an identity and an app besides the password."""
    session = make_session(user)
    record_password_confirmation(session)
    key = make_own_key(session, KeyTerms(name="report", scopes=["read_sales"])).key
    provider = make_provider()
    identity = make_identity(user, provider)
    register_site()
    return {
        "session_id": str(session.pk),
        "key_id": str(key.pk),
        "identity_id": str(identity.pk),
        "slug": provider.slug,
    }


def _office(bob: Any, admin: Any, client: Any) -> dict[str, str]:
    """Return what the privacy and security offices have on their desks."""
    asked = client.post("/api/v1/privacy/requests", {"kind": "access"})
    assert asked.status_code < 300, asked.content
    place_hold(actor_of(admin), subject_id=bob.pk, matter="2026-1")
    event = list_events().first()
    assert event is not None
    return {"event_id": str(event.pk)}


@pytest.fixture
def routes(world: Mapping[str, str]) -> list[Route]:
    """Return every route, with addresses of the world."""
    return all_routes(world)


@pytest.fixture
def over_tls(settings: Any) -> Any:
    """Have the settings of an installation behind TLS; return them."""
    behind_tls(settings)
    return settings


@pytest.fixture
def people(
    over_tls: Any, world: Mapping[str, str], alice: User, admin: User, browser: Any
) -> dict[str, Client]:
    """Return a visitor, a user and an administrator who proved a second factor."""
    found = {
        "visitor": Client(),
        "alice": browser(alice),
        "admin": browser(admin, stepped_up=True),
    }
    for client in found.values():
        client.raise_request_exception = False
    return found


@pytest.fixture
def walk_of(
    request: pytest.FixtureRequest, db: None, inhabited: Mapping[str, str]
) -> Callable[[str], Walk]:
    """Return each one's walk over all routes: made by whichever test needs it first.

    `visitor`, `alice` and `admin` ask by GET, the administrator by HEAD as well, over
    TLS and from a foreign origin. What they are answered is looked at for many things;
    in `others` are the answers to methods that the routes do not have, and in
    `alice otherwise` what she is answered by one further method for each, in turn.
    """
    made = request.session.stash.setdefault(WALKS, {})

    def found(who: str) -> Walk:
        if who not in made:
            people = request.getfixturevalue("people")
            routes = request.getfixturevalue("routes")
            name, _, otherwise = who.partition(" ")
            ways = _turns_by if otherwise else _reads_by
            asked = _other_ways if who == "others" else partial(ways, name)
            made[who] = walk(asked(people, routes), headers=FOREIGN)
        return made[who]

    return found


def _reads_by(
    who: str, people: Mapping[str, Client], routes: list[Route]
) -> Iterator[Request]:
    methods = ("GET", "HEAD") if who == "admin" else ("GET",)
    for route, method in product(routes, methods):
        yield people[who], method, route.path


def _turns_by(
    who: str, people: Mapping[str, Client], routes: list[Route]
) -> Iterator[Request]:
    for route, method in zip(routes, cycle(OTHER_METHODS), strict=False):
        yield people[who], method, route.path


def _other_ways(people: Mapping[str, Client], routes: list[Route]) -> Iterator[Request]:
    """Yield each route by a made-up method and OPTIONS, a page by what no form sends.

    Who asks by which made-up method takes turns.
    """
    unknown = cycle(product(UNKNOWN, people.values()))
    unsent = cycle(("PUT", "PATCH", "DELETE"))
    for route in routes:
        method, client = next(unknown)
        yield client, method, route.path
        yield people["visitor"], "OPTIONS", route.path
        if route.view is None:
            yield people["admin"], next(unsent), route.path
