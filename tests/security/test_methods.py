"""Only the methods that a route has; the rest is 405 and says which it has."""

from __future__ import annotations

import pytest

from tests.security.conftest import UNKNOWN
from tests.security.reading import Read, walk

OVERRIDES = (
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-HTTP-Method": "DELETE"},
    {"X-Method-Override": "DELETE"},
)


def test_no_route_knows_other_methods(walk_of):
    """Each one client and one of them, in turn; all of them in the test below."""
    asked = walk_of("others").by(*UNKNOWN)

    assert [str(read) for read in asked if not refuses(read)] == []
    assert len(asked) > 200


@pytest.mark.prove
@pytest.mark.parametrize("method", UNKNOWN)
def test_no_route_knows_this_method(method, people, routes):
    for client in people.values():
        found = walk((client, method, r.path) for r in routes)
        assert [str(read) for read in found.reads if not refuses(read)] == []


def refuses(read: Read) -> bool:
    return read.status_code == 405 and bool(read.headers.get("Allow"))


def test_no_page_takes_what_forms_cannot_send(walk_of):
    """A method that a view does not ask about would be served like a GET."""
    asked = walk_of("others").by("PUT", "PATCH", "DELETE")

    assert [str(read) for read in asked if read.status_code not in {404, 405}] == []
    assert len(asked) > 100


@pytest.mark.parametrize("headers", OVERRIDES)
def test_no_header_makes_another_method(headers, browser, alice, world):
    client = browser(alice)
    path = f"/api/v1/conversations/{world['conversation_id']}"

    response = client.post(path, "{}", content_type="application/json", headers=headers)

    assert response.status_code == 405
    assert client.get(path).status_code == 200


def test_options_tells_a_visitor_nothing(walk_of):
    asked = walk_of("others").by("OPTIONS")

    assert {read.status_code for read in asked} <= {
        *(200, 204),
        *(301, 302),
        *(401, 403, 404, 405),
    }
    assert [str(read) for read in asked if b'"POST": {' in read.content] == []
    assert len(asked) > 200
