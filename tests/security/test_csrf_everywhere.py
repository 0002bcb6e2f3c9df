"""No page of another site can write with a visitor's cookie, on any route.

Every unsafe method on every route, signed in by cookie: without a token, with a wrong
one, and with the right one from a foreign origin.
"""

from __future__ import annotations

import re
from itertools import cycle, product
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.security.database_state import changed, digests
from tests.security.routes import Route

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
# Programs call these, with proof of their own; no cookie is looked at (tested below).
WITHOUT_COOKIES = {
    "csp-reports",  # no proof: it only counts
    "oauth-token",  # client authentication, code, refresh token
    "oauth-revoke",
    "oauth-userinfo",  # access token
    "provider-logout",  # logout token, signed by the provider
}
FOREIGN = "https://evil.example"


@pytest.fixture
def signed_in(world: Any, admin: Any, browser: Any) -> Client:
    """Return an administrator's browser that is held to CSRF checks."""
    given = browser(admin, stepped_up=True)
    client = Client(enforce_csrf_checks=True)
    client.cookies = given.cookies
    client.raise_request_exception = False
    return client


def token_of(client: Client) -> str:
    """Return the token that a page shows, its cookie now in the client."""
    page = client.get("/account").content.decode()
    found = re.search(r'csrfmiddlewaretoken" value="([^"]+)', page)
    assert found
    return found[1]


def attempts(token: str) -> dict[str, dict[str, str]]:
    return {
        "no token": {},
        "wrong token": {"X-CSRFToken": "a" * 64},
        "foreign origin": {"X-CSRFToken": token, "Origin": FOREIGN},
        "other port": {"X-CSRFToken": token, "Origin": "http://testserver:8080"},
        "no origin": {"X-CSRFToken": token, "Origin": "null"},
        "look-alike": {"X-CSRFToken": token, "Origin": "http://testserver.evil.test"},
    }


# What another site's form can send without asking.
FORM_BODIES = [
    ("application/x-www-form-urlencoded", "a=b"),
    ("text/plain", '{"a": "b"}'),
]
FORMS = [
    pytest.param(FORM_BODIES, id="in turn"),
    *(
        pytest.param([(kind, body)], id=kind, marks=pytest.mark.prove)
        for kind, body in FORM_BODIES
    ),
]


def refuses(client: Client, route: Route, method: str, headers: dict[str, str]) -> bool:
    """Whether the route, if it listens to cookies, refuses because of CSRF."""
    if route.name in WITHOUT_COOKIES:
        return True
    response = client.generic(
        method, route.path, "{}", "application/json", headers=headers
    )
    return response.status_code == 403 and _is_csrf(response)


class TestEveryRoute:
    def test_it_refuses_the_write(self, signed_in, routes):
        """POST and another method with an attempt in turn; all in the test below."""
        post, *others = UNSAFE
        ways = cycle(product(others, attempts(token_of(signed_in)).values()))
        before = digests()

        passed = {
            f"{method} {route.path}"
            for route, (other, headers) in zip(routes, ways, strict=False)
            for method in (post, other)
            if not refuses(signed_in, route, method, headers)
        }

        assert len(routes) > 200
        assert passed == set()
        assert changed(before) <= TOUCHED

    @pytest.mark.prove
    @pytest.mark.parametrize("attempt", [*attempts("")])
    def test_it_refuses_each_attempt(self, attempt, signed_in, routes):
        headers = attempts(token_of(signed_in))[attempt]

        passed = {
            f"{method} {route.path}"
            for route in routes
            for method in UNSAFE
            if not refuses(signed_in, route, method, headers)
        }

        assert passed == set()

    @pytest.mark.parametrize("bodies", FORMS)
    def test_it_refuses_what_a_foreign_form_can_send(self, bodies, signed_in, routes):
        passed = {
            route.path: response.status_code
            for route, (content_type, body) in zip(routes, cycle(bodies), strict=False)
            if route.name not in WITHOUT_COOKIES
            and (
                response := signed_in.generic(
                    "POST",
                    route.path,
                    body,
                    content_type,
                    headers={"Origin": FOREIGN, "Sec-Fetch-Site": "cross-site"},
                )
            ).status_code
            != 403
        }

        assert passed == {}

    def test_over_tls_a_referer_of_another_site_is_not_enough(self, signed_in, routes):
        token = token_of(signed_in)
        referers = cycle(
            ({}, {"Referer": f"{FOREIGN}/"}, {"Referer": "http://testserver/"})
        )

        passed = [
            route.path
            for route, referer in zip(routes, referers, strict=False)
            if route.name not in WITHOUT_COOKIES
            and signed_in.post(
                route.path,
                "{}",
                content_type="application/json",
                headers={"X-CSRFToken": token, **referer},
                secure=True,
            ).status_code
            != 403
        ]

        assert passed == []

    def test_what_is_left_out_looks_at_no_cookie(self, signed_in, routes):
        visitor = Client()
        before = digests()
        for route in routes:
            if route.name not in WITHOUT_COOKIES:
                continue
            for kind, body in [("application/json", "{}"), *FORM_BODIES]:
                with_cookie = signed_in.generic("POST", route.path, body, kind)
                without = visitor.generic("POST", route.path, body, kind)
                assert settings.SESSION_COOKIE_NAME not in with_cookie.cookies
                assert with_cookie.status_code == without.status_code, route.path

        # What an app is refused is counted, with a cookie or without.
        assert changed(before) <= {*TOUCHED, "accounts_attemptbudget"}

    def test_signing_in_needs_a_token_too(self, world):
        """Or another site could sign a visitor in as somebody else, and listen."""
        for path in ("/sign-in", "/sign-in/code"):
            visitor = Client(enforce_csrf_checks=True)
            assert visitor.post(path, {"username": "a"}).status_code == 403


# Every request of a signed-in person notes when he was last seen.
TOUCHED = {"accounts_authsession", "accounts_browsersession"}


def _is_csrf(response: Any) -> bool:
    if response.headers["Content-Type"] == "application/problem+json":
        told = response.json()
        return "CSRF" in told["detail"] or told["code"] == "csrf_failed"
    return b"came from another site" in response.content


class TestTheMeasure:
    """With the token and from our own pages, the same requests arrive."""

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("/api/v1/conversations", '{"title": "x"}', 201),
            (
                "/api/v1/rbac/check",
                '{"user": "bob", "permission": "read_sales"}',
                200,
            ),
        ],
    )
    def test_a_script_of_ours_may_write(self, path, body, status, signed_in):
        headers = {"X-CSRFToken": token_of(signed_in), "Origin": "http://testserver"}

        response = signed_in.post(
            path, body, content_type="application/json", headers=headers
        )

        assert response.status_code == status

    def test_a_form_of_ours_may_write(self, signed_in):
        token = token_of(signed_in)

        response = signed_in.post("/sign-out", {"csrfmiddlewaretoken": token})

        assert response.status_code == 302

    def test_a_token_is_not_a_cookie(self, signed_in, api, alice, world):
        """A bearer token is never sent by itself, so it needs no CSRF token."""
        response = api(alice).post("/api/v1/conversations", {"title": "x"})

        assert response.status_code == 201

    def test_the_token_is_not_readable_by_a_script(self, signed_in):
        token_of(signed_in)

        assert signed_in.cookies[settings.CSRF_COOKIE_NAME]["httponly"]
