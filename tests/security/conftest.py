"""An inhabited installation: rows of many kinds, so that pages show something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from accounts.services.api_keys import KeyTerms, make_own_key
from accounts.services.proof import record_password_confirmation
from accounts.tests.factories import make_identity, make_provider, make_session
from accounts.tests.oauth.app import register_site
from auditlog.selectors import list_events
from chatsec.core.crypto import subject_keys
from privacy.services.retention import place_hold
from privacy.tests.factories import actor_of
from tests.security.routes import Route, all_routes


@pytest.fixture
def world(
    alice: Any, bob: Any, admin: Any, api: Callable[..., Any], catalogue: None
) -> Mapping[str, str]:
    """Return real values of route parameters; alice owns what has an owner."""
    return {
        "conversation_id": _conversation(api(alice)),
        "request_id": _wish_for_a_role(api(bob)),
        "name": "sales_rep",
        "rule": "denials_in_1_hour",
        "purpose": "improve_service",
        "user_id": str(alice.pk),
        "pseudonym": str(subject_keys().pseudonym(alice.pk)),
        **_ways_in(alice),
        **_office(bob, admin, api(alice)),
    }


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
