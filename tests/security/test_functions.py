"""Every function of the API is for whoever has its permission, and for nobody else.

ASVS 8.2.1: each route and method that names a permission, asked by somebody signed in
who does not have it: with a password, with two factors freshly shown, with a key.
"""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from chatsec.core.api import ANY_CALLER, PUBLIC, SIGNED_IN
from rbac.services import check_permission
from tests.security.test_strangers import METHODS, has_method, named_permission

FOR_MANY = {ANY_CALLER, PUBLIC, SIGNED_IN}


@pytest.fixture
def lacking(world: Any, erin: Any, dan: Any, api: Any) -> dict[str, tuple[Any, Any]]:
    """Return an employee, and somebody of finance who has just shown a factor."""
    return {"erin": (erin, api(erin)), "dan": (dan, api(dan, stepped_up=True))}


@pytest.mark.parametrize("who", ["erin", "dan"])
def test_who_lacks_the_permission_gets_nowhere(who, lacking, routes):
    user, client = lacking[who]
    passed, asked = {}, 0
    for route in routes:
        for method in METHODS:
            if route.view is None or not has_method(route.view, method):
                continue
            needed = named_permission(route.view, method)
            if needed in FOR_MANY or check_permission(user, needed):
                continue
            asked += 1
            status = _status(client, method, route.path)
            if status not in {403, 404}:
                passed[f"{method} {route.path}"] = status

    assert asked > 20
    assert passed == {}


def _status(client: APIClient, method: str, path: str) -> int:
    answer = client.generic(method, path, "{}", "application/json")
    return int(answer.status_code)


def test_pages_of_the_office_are_closed_to_everybody_else(erin, dan, browser, routes):
    """Every page below /admin/, for a signed-in person without a task there."""
    opened = {}
    for user in (erin, dan):
        client = browser(user)
        for route in routes:
            if not route.path.startswith("/admin/") or route.name == "admin:jsi18n":
                continue
            response = client.get(route.path)
            if response.status_code == 200:
                opened[f"{user.username} {route.path}"] = 200

    assert opened == {}
    assert len([r for r in routes if r.path.startswith("/admin/")]) > 100
