"""Whoever is not signed in gets nowhere, unless a route is for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from chatsec.core.api import PUBLIC
from tests.security.routes import Route

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# The caller's own reads, answered for the role `public` too.
ANY_CALLER = "any-caller"
# Pages for everybody; each new one has to be named here.
OPEN_PAGES = {
    "csp-reports",
    "faq",
    "invitation",
    "oauth-authorize",  # 400 to what names no client
    "oauth-openid-configuration",
    "oauth-server-metadata",
    "password-forgotten",
    "password-reset",
    "provider-callback",  # 400 to what answers no question
    "gpc",
    "healthz",
    "jwks",
    "privacy-notice",
    "readyz",
    "robots-txt",
    "security-txt",
    "sign-in",
    "sign-in-code",
    "sign-out",
    "",  # the icon
    "admin:jsi18n",
    "admin:logout",  # a GET leads back to the start and ends nothing
    "metrics",  # by address: loopback
    "outbox",  # by address: loopback, and never in production
}


def named_permission(view: Any, method: str) -> str:
    required = getattr(view, "required_permission", "")
    if isinstance(required, Mapping):
        return str(required.get(method, ""))
    return str(required)


def is_open(route: Route, method: str) -> bool:
    return named_permission(route.view, method) in {PUBLIC, ANY_CALLER}


def has_method(view: Any, method: str) -> bool:
    return hasattr(view, method.lower())


@pytest.fixture
def stranger(world: Any) -> Client:
    client = Client()
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"Authorization": "Bearer forged.by.somebody"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Authorization": "Token 0123456789"},
        {"Cookie": "session=0123456789abcdef0123456789abcdef"},
        {"X-User": "admin", "X-Forwarded-User": "admin", "Remote-User": "admin"},
    ],
    ids=["nothing", "bearer", "basic", "token", "cookie", "headers"],
)
def test_the_api_refuses_him(credentials, stranger, routes):
    passed = {}
    asked = 0
    for route in routes:
        if route.view is None:
            continue
        for method in METHODS:
            if not has_method(route.view, method) or is_open(route, method):
                continue
            asked += 1
            response = stranger.generic(
                method, route.path, "{}", "application/json", headers=credentials
            )
            if response.status_code not in {401, 403, 404}:
                passed[f"{method} {route.path}"] = response.status_code

    assert asked > 30
    assert passed == {}


def test_pages_send_him_to_the_sign_in(stranger, routes):
    passed = {}
    for route in routes:
        if route.view is not None or route.name in OPEN_PAGES:
            continue
        response = stranger.get(route.path)
        where = response.get("Location", "")
        refused = response.status_code in {403, 404, 405}
        if not refused and not where.startswith(("/sign-in", "/admin/login/")):
            passed[route.path] = (response.status_code, where)

    assert passed == {}
