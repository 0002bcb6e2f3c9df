"""Only the methods that a route has; the rest is 405 and says which it has."""

from __future__ import annotations

from itertools import cycle, product
from typing import Any

import pytest
from django.test import Client

UNKNOWN = ("TRACE", "CONNECT", "TRACK", "PROPFIND", "MOVE", "BREW")
OVERRIDES = (
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-HTTP-Method": "DELETE"},
    {"X-Method-Override": "DELETE"},
)


@pytest.fixture
def clients(world: Any, alice: Any, admin: Any, browser: Any) -> list[Client]:
    """Return the browsers of a visitor, an administrator and a user."""
    found = [Client(), browser(admin, stepped_up=True), browser(alice)]
    for client in found:
        client.raise_request_exception = False
    return found


def test_no_route_knows_other_methods(clients, routes):
    """Each one client and one of them, in turn; all of them in the test below."""
    ways = cycle(product(UNKNOWN, clients))

    passed = [
        (method, route.path)
        for route, (method, client) in zip(routes, ways, strict=False)
        if not refuses(client, method, route.path)
    ]

    assert passed == []


@pytest.mark.prove
@pytest.mark.parametrize("method", UNKNOWN)
def test_no_route_knows_this_method(method, clients, routes):
    for client in clients:
        passed = [r.path for r in routes if not refuses(client, method, r.path)]
        assert passed == []


def refuses(client: Client, method: str, path: str) -> bool:
    response = client.generic(method, path)
    return response.status_code == 405 and bool(response.headers.get("Allow"))


def test_no_page_takes_what_forms_cannot_send(clients, routes):
    """A method that a view does not ask about would be served like a GET."""
    _, admin, _ = clients
    passed = {
        route.path: response.status_code
        for route, method in zip(
            routes, cycle(("PUT", "PATCH", "DELETE")), strict=False
        )
        if route.view is None
        and (response := admin.generic(method, route.path)).status_code
        not in {404, 405}
    }

    assert passed == {}


@pytest.mark.parametrize("headers", OVERRIDES)
def test_no_header_makes_another_method(headers, clients, world):
    *_, alice = clients
    path = f"/api/v1/conversations/{world['conversation_id']}"

    response = alice.post(path, "{}", content_type="application/json", headers=headers)

    assert response.status_code == 405
    assert alice.get(path).status_code == 200


def test_options_tells_a_visitor_nothing(clients, routes):
    visitor, *_ = clients
    for route in routes:
        response = visitor.options(route.path)
        assert response.status_code in {200, 204, 301, 302, 401, 403, 404, 405}
        assert b'"POST": {' not in response.content, route.path
