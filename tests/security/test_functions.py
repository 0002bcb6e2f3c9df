"""Every function of the API is for whoever has its permission, and for nobody else.

ASVS 8.2.1: each route and method that names a permission, asked by somebody signed in
who does not have it: with a password, with two factors freshly shown, with a key.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.api.user_serializers import UserStateSerializer
from accounts.models import User
from chatsec.core.api import ANY_CALLER, PUBLIC, SIGNED_IN
from rbac.constants import ADMINISTRATIVE_CODES
from rbac.services import check_permission
from tests.security.database_state import changed, digests
from tests.security.test_reads_change_nothing import EVIDENCE
from tests.security.test_strangers import METHODS, has_method, named_permission

PROJECT = Path(__file__).parents[2]
PERMISSIONS = (PROJECT / "docs/reference/permissions.md").read_text()
# Something for every field that a write may want, so that none is refused for its form.
OF_ALL = (
    '{"title": "x", "name": "x", "text": "x", "code": "123456", "reason": "x",'
    ' "mfa_session_id": "0199aaaa-0000-7000-8000-000000000000"}'
)
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
            # Who is refused this often is answered 429; here each is a first one.
            cache.clear()
            status = _status(client, method, route.path)
            if status not in {403, 404}:
                passed[f"{method} {route.path}"] = status

    assert asked > 20
    assert passed == {}


def _status(client: APIClient, method: str, path: str, body: str = "{}") -> int:
    answer = client.generic(method, path, body, "application/json")
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


OWNED = re.compile(
    r"<uuid:(conversation_id|session_id|key_id|identity_id|request_id|factor_id|handle)>"
)
# Written by whatever anybody does, or reads: evidence, and when he was last seen.
TRACES = EVIDENCE | {"accounts_attemptbudget"}


def test_what_is_somebodys_own_is_not_there_for_others(world, charlie, api, routes):
    """Every route to one thing of alice's or bob's, as a stranger who is signed in."""
    client = api(charlie, stepped_up=True)
    before = digests()
    passed, asked = {}, 0
    for route in routes:
        if route.view is None or not OWNED.search(route.template):
            continue
        for method in METHODS:
            if not has_method(route.view, method):
                continue
            asked += 1
            status = _status(client, method, route.path, OF_ALL)
            if status not in {403, 404}:
                passed[f"{method} {route.path}"] = status

    assert asked > 15
    assert passed == {}
    assert changed(before) <= TRACES


def test_every_permission_that_is_asked_for_is_documented(db, routes):
    asked_for = {
        named_permission(route.view, method)
        for route in routes
        if route.view is not None
        for method in METHODS
        if has_method(route.view, method)
    } | ADMINISTRATIVE_CODES

    assert len(asked_for) > 8
    assert {each for each in asked_for if f"`{each}`" not in PERMISSIONS} == set()


def test_the_fields_of_an_account_are_the_documented_ones():
    """What the API and the admin write of an account, and nothing else."""
    rows = dict(
        re.findall(r"^\| account \| `?(\w+)`? \| (.*) \|$", PERMISSIONS, re.MULTILINE)
    )
    documented = set(re.findall(r"`(\w+)`", rows["manage_users"]))

    assert set(UserStateSerializer().fields) == documented
    form = admin.site.get_model_admin(User).form
    assert set(form.base_fields) <= documented
    assert set(re.findall(r"`(\w+)`", rows["nobody"])) & documented == set()
