"""Where TLS is on, nothing but a page leads a plain-text caller to it (ASVS 4.1.2).

A program that forgot the s in https has sent its secret in clear: it must learn so from
a refusal, not be led on without a word.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.test import Client

from accounts.models import AuthSession
from accounts.tests.factories import PASSWORD
from tests.security.database_state import digests
from tests.security.tls import behind_tls

pytestmark = pytest.mark.usefixtures("inhabited")
# A load balancer and Prometheus ask for them from inside.
WITHOUT_TLS = {"healthz", "readyz", "metrics"}
# A person opens them in a browser, although programs live all around.
PAGES_AMONG_PROGRAMS = {"api-docs", "oauth-authorize", "security-txt"}
FOR_PROGRAMS = ("/api/", "/v1/", "/channels/", "/o/", "/.well-known/")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def over_tls(settings: Any) -> Any:
    behind_tls(settings)
    return settings


@pytest.fixture
def stranger(world: Any, over_tls: Any) -> Client:
    return Client(raise_request_exception=False)


def refused(response: Any) -> bool:
    """Whether this is the problem that says so, and nothing more."""
    return (
        response.status_code == 403
        and response["Content-Type"] == "application/problem+json"
        and json.loads(response.content)["code"] == "https_required"
        and "Location" not in response
        and not response.cookies
    )


def is_page(route: Any) -> bool:
    return route.name in PAGES_AMONG_PROGRAMS or not route.path.startswith(FOR_PROGRAMS)


class TestReads:
    def test_pages_lead_to_tls_and_nothing_else_does(self, stranger, routes):
        led = {"pages": 0, "programs": 0}
        for route in routes:
            if route.name in WITHOUT_TLS:
                continue
            response = stranger.get(route.path)
            if is_page(route):
                there = f"https://testserver{route.path}"
                assert (route.path, response.get("Location")) == (route.path, there)
                assert response.status_code == 301
                led["pages"] += 1
            else:
                assert refused(response), (route.path, response.status_code)
                led["programs"] += 1

        assert led["pages"] > 150
        assert led["programs"] > 60

    def test_every_view_of_the_api_is_for_programs(self, world, routes):
        for route in routes:
            if route.view is not None and route.name not in PAGES_AMONG_PROGRAMS:
                assert not is_page(route), route.path

    @pytest.mark.parametrize("path", ["/api/nowhere", "/v1/models", "/o/nowhere"])
    def test_what_is_not_there_says_no_more(self, path, stranger):
        assert refused(stranger.get(path))

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_the_load_balancer_needs_no_tls(self, path, stranger):
        assert stranger.get(path).status_code == 200


class TestWrites:
    @pytest.mark.parametrize("method", UNSAFE)
    def test_nothing_is_done_and_nobody_is_led_on(self, method, stranger, routes):
        before = digests()
        for route in routes:
            if route.name in WITHOUT_TLS:
                continue
            response = stranger.generic(method, route.path, "{}", "application/json")
            assert response.status_code == 403, route.path
            assert "Location" not in response
            assert refused(response) is not is_page(route), route.path

        assert digests() == before

    def test_a_page_says_so_in_words(self, stranger):
        response = stranger.post("/sign-in", {"username": "a", "password": "b"})

        assert response.status_code == 403
        assert "https" in response.content.decode()

    def test_a_good_password_gives_no_token(self, stranger, alice):
        sent = {"username": "alice", "password": PASSWORD}
        before = AuthSession.objects.count()

        response = stranger.post(
            "/api/v1/auth/token", sent, content_type="application/json"
        )

        assert refused(response)
        assert AuthSession.objects.count() == before

    def test_the_body_is_not_read(self, over_tls, rf):
        class Untouched:
            def read(self, *_: object) -> bytes:
                raise AssertionError("somebody read the body")

            readline = read

        environ = rf.post("/api/v1/auth/token").environ
        environ |= {"wsgi.input": Untouched(), "CONTENT_LENGTH": "9"}

        assert refused(WSGIHandler().get_response(WSGIRequest(environ)))


class TestBehindAProxy:
    def test_a_claim_of_tls_is_believed_from_a_trusted_proxy_only(
        self, db, monkeypatch, settings
    ):
        claim = {"X-Forwarded-Proto": "https"}
        behind_tls(settings)
        assert refused(Client().get("/api/v1/me", headers=claim))

        monkeypatch.setenv("CHATSEC_TRUSTED_PROXIES", "1")
        behind_tls(settings)
        assert Client().get("/api/v1/me", headers=claim).status_code == 401
        assert refused(Client().get("/api/v1/me"))
        assert refused(
            Client().get("/api/v1/me", headers={"X-Forwarded-Proto": "http"})
        )


def test_without_tls_nobody_is_refused(db, client):
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/sign-in").status_code == 200
