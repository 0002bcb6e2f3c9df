"""An inhabited installation: rows of many kinds, so that pages show something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from accounts.models import AuthSession
from auditlog.selectors import list_events
from tests.security.routes import Route, all_routes


@pytest.fixture
def world(
    alice: Any, bob: Any, admin: Any, api: Callable[..., Any], catalogue: None
) -> Mapping[str, str]:
    """Return real values of route parameters; alice owns what has an owner."""
    asks = api(alice)
    conversation = asks.post("/api/v1/conversations", {"title": "Quarter"}).json()
    said = asks.post(
        f"/api/v1/conversations/{conversation['id']}/messages",
        {"text": "What were the total sales in Q3 2025?"},
    )
    assert said.status_code == 200, said.content
    asked = asks.post("/api/v1/privacy/requests", {"kind": "access"})
    assert asked.status_code < 300, asked.content
    wanted = api(bob).post(
        "/api/v1/rbac/requests",
        {"role": "finance", "reason": "Closing the year", "duration_seconds": 86400},
    )
    assert wanted.status_code < 300, wanted.content
    event = list_events().first()
    assert event is not None
    return {
        "conversation_id": conversation["id"],
        "session_id": str(AuthSession.objects.filter(user=alice).latest("pk").pk),
        "event_id": str(event.pk),
        "purpose": "improve_service",
        "name": "sales_rep",
        "user_id": str(alice.pk),
        "request_id": wanted.json()["id"],
    }


@pytest.fixture
def routes(world: Mapping[str, str]) -> list[Route]:
    return all_routes(world)
