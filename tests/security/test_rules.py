"""Rules of sign-in and of the API that no other test shows in one piece."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts.constants import LOCK_AFTER_FAILURES
from accounts.hashers import Argon2idHasher
from accounts.models import User
from accounts.services import factors
from accounts.tests.factories import PASSWORD, make_user, sign_in_browser, totp_code
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role
from tests.security.routes import Route, drained
from tests.security.test_strangers import METHODS, has_method

TOKEN = "/api/v1/auth/token"
FULL_WIDTH = "".join(chr(ord(letter) + 0xFEE0) for letter in "CAROL")
pytestmark = pytest.mark.usefixtures("inhabited")
# What a fault or a refusal would tell an attacker: code, tables, places, versions.
LEAKS = re.compile(
    rb"Traceback|\.py\b|psycopg|SELECT |hunter2|site-packages|Django/|Exception|/home/"
)


class TestOneBudgetForAllWays:
    """Guesses at one account count together, wherever they are made."""

    def test_five_guesses_in_five_places_lock_all_of_them(self, db):
        carol = make_user("carol", totp=True)
        factors.make_recovery_codes(carol)
        wrong_code = {"code": f"{(int(totp_code(carol)) + 1) % 1_000_000:06d}"}
        page, api = Client(), APIClient()
        name = {"username": "carol"}

        page.post("/sign-in", {**name, "password": "wrong"})
        api.post(TOKEN, {**name, "password": "wrong"})
        page.post("/sign-in", {"username": FULL_WIDTH, "password": "wrong"})
        page.post("/sign-in", {**name, "password": PASSWORD})
        page.post("/sign-in/code", wrong_code)
        waiting = api.post(TOKEN, {**name, "password": PASSWORD}).json()
        lost = {"mfa_session_id": waiting["mfa_session_id"], "code": "AAAAAA-" * 3}
        assert api.post(f"{TOKEN}/mfa", lost).status_code == 401

        good = {**name, "password": PASSWORD, "otp": totp_code(carol)}
        told = api.post(TOKEN, good)
        assert (told.status_code, told.json()["code"]) == (429, "account_locked")
        assert int(told["Retry-After"]) > 800
        assert Client().post("/sign-in", good).status_code == 429
        for path in ("/admin/login/", "/admin/"):
            assert Client().get(path).status_code == 302

    def test_the_lock_does_not_hang_on_the_cache(self, alice):
        api = APIClient()
        for _ in range(LOCK_AFTER_FAILURES):
            api.post(TOKEN, {"username": "alice", "password": "wrong"})

        cache.clear()

        good = {"username": "alice", "password": PASSWORD}
        assert api.post(TOKEN, good).status_code == 429


def test_an_older_hash_is_replaced_at_the_next_sign_in(alice, settings):
    settings.PASSWORD_HASHERS = ["accounts.hashers.Argon2idHasher"]
    cheap = Argon2idHasher()
    cheap.time_cost = 1
    older = cheap.encode(PASSWORD, "somesalt")
    User.objects.filter(pk=alice.pk).update(password=older)
    assert "t=1" in older

    api = APIClient()
    answer = api.post(TOKEN, {"username": "alice", "password": PASSWORD})

    assert answer.status_code == 200
    alice.refresh_from_db()
    assert "argon2id" in alice.password
    assert "t=2,p=1" in alice.password


def test_the_admin_site_takes_no_password_alone(world, routes):
    """Staff with all permissions of the site, whose role asks for no factor."""
    make_role("site", *(f"{app}.*" for app in ("accounts", "rbac", "chat", "privacy")))
    helper = make_user("helper", is_staff=True)
    give_role(helper, "site")
    client = sign_in_browser(Client(), helper)
    opened = {
        route.path
        for route in routes
        if route.path.startswith("/admin/")
        and route.name != "admin:jsi18n"
        and client.get(route.path).status_code == 200
    }

    assert client.get("/account").status_code == 200
    assert opened == set()


class TestRefusals:
    @pytest.mark.parametrize("who", ["visitor", "erin"])
    def test_each_is_a_problem_with_a_code_and_tells_nothing(
        self, who, world, erin, api, routes
    ):
        """Every route of the API by every method, with a body that is nonsense."""
        client = api(erin) if who == "erin" else api()
        client.raise_request_exception = False
        faults, refused = {}, 0
        for route in routes:
            for method in METHODS:
                if route.view is None or not has_method(route.view, method):
                    continue
                answer = client.generic(
                    method, route.path, '{"x": [1]}', "application/json"
                )
                drained(answer)
                if answer.status_code < 400:
                    continue
                refused += 1
                if fault := fault_of(answer):
                    faults[f"{method} {route.path}"] = fault

        assert faults == {}
        assert refused > 60

    @pytest.mark.parametrize("path", ["/test-fault", "/api/v1/test-fault"])
    def test_a_fault_tells_nothing(self, path, db, settings):
        settings.ROOT_URLCONF = "tests.security.urls"
        client = Client(raise_request_exception=False)

        answer = client.get(path)

        assert answer.status_code == 500
        assert not LEAKS.search(answer.content)
        assert answer["X-Request-ID"].encode() in answer.content


def fault_of(answer: Any) -> str:
    if answer.headers.get("Content-Type") != "application/problem+json":
        return str(answer.headers.get("Content-Type"))
    told = json.loads(answer.content)
    missing = {"type", "title", "status", "detail", "code", "request_id"} - set(told)
    if missing:
        return f"without {sorted(missing)}"
    if told["status"] != answer.status_code or answer.status_code >= 500:
        return f"status {told['status']}"
    return str(LEAKS.search(answer.content) or "")


class TestSizes:
    def test_a_packed_body_is_not_unpacked(self, alice):
        """A few bytes that stand for many: no coding of bodies is known."""
        packed = gzip.compress(
            json.dumps({"username": "alice", "password": PASSWORD}).encode()
        )

        answer = APIClient().generic(
            "POST", TOKEN, packed, "application/json", HTTP_CONTENT_ENCODING="gzip"
        )

        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")

    @pytest.mark.parametrize("asked", ["201", "100000", "-1", "0", "x", "9" * 40])
    def test_a_page_has_200_rows_at_most(self, asked, admin, api):
        User.objects.bulk_create(
            User(
                username=f"u{number:03}",
                password="!",
                email_index=f"{number:032}".encode(),
            )
            for number in range(230)
        )

        answer = api(admin, stepped_up=True).get(f"/api/v1/users?page_size={asked}")

        assert answer.status_code in {200, 400}
        assert len(answer.json().get("results", [])) <= 200


def test_every_view_of_a_list_comes_in_pages(db, routes: list[Route]):
    """A list that is not cut would be an answer of any size."""
    for route in routes:
        if route.view is not None and hasattr(route.view, "pagination_class"):
            assert route.view.pagination_class.max_page_size <= 200
