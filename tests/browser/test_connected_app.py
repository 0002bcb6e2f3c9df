"""A phone app: its user agrees in a real browser, the app does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
import requests  # noqa: TID251 - this is the app, not chatsec
from authlib.integrations.requests_client import OAuth2Session
from playwright.sync_api import Page, expect

from accounts.models import OAuthApplication
from accounts.tests.factories import PASSWORD, totp_code
from accounts.tests.oauth.app import register

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("catalogue"),
]

VERIFIER = "a-verifier-that-only-this-one-app-on-this-one-phone-knows"


class Phone:
    """The app's own side: a listener on the loopback address and an OAuth client."""

    def __init__(self, application: OAuthApplication, site: str) -> None:
        self.site = site
        self.heard: Queue[str] = Queue()
        heard = self.heard

        class Listener(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.put(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<title>Pocket</title>You may close this page.")

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self.listener = HTTPServer(("127.0.0.1", 0), Listener)
        Thread(target=self.listener.serve_forever, args=(0.02,), daemon=True).start()
        port = self.listener.server_address[1]
        self.client = OAuth2Session(
            application.client_id,
            redirect_uri=f"http://127.0.0.1:{port}/signed-in",
            scope="openid chat",
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
        )

    def address(self, **extra: str) -> str:
        address, self.state = self.client.create_authorization_url(
            f"{self.site}/o/authorize", code_verifier=VERIFIER, **extra
        )
        return str(address)

    def fetch_tokens(self) -> dict[str, str]:
        """Return what the code of the browser's return is worth."""
        while True:
            path = self.heard.get(timeout=10)
            if path.startswith("/signed-in?"):
                break
        told = {name: one for name, (one,) in parse_qs(urlsplit(path).query).items()}
        assert told["state"] == self.state
        assert told["iss"] == "http://localhost:8000"
        found: dict[str, str] = self.client.fetch_token(
            f"{self.site}/o/token", code=told["code"], code_verifier=VERIFIER
        )
        return found

    def ask(self, access: str, text: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access}"}
        conversations = f"{self.site}/api/v1/conversations"
        started = requests.post(conversations, json={}, headers=headers, timeout=10)
        if started.status_code != 201:
            return started
        messages = f"{conversations}/{started.json()['id']}/messages"
        return requests.post(messages, json={"text": text}, headers=headers, timeout=30)

    def refresh(self, token: str) -> requests.Response:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": self.client.client_id,
        }
        return requests.post(f"{self.site}/o/token", data=form, timeout=10)


@pytest.fixture
def phone(live_server) -> Iterator[Phone]:
    application, _ = register(description="Made by the sales team")
    found = Phone(application, live_server.url)
    yield found
    found.listener.shutdown()
    found.listener.server_close()


def sign_in(page: Page, user) -> None:
    page.get_by_label("User name").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_alice_connects_her_phone_asks_and_disconnects_it(page, phone, alice):
    page.goto(phone.address())
    sign_in(page, alice)
    expect(page.get_by_role("heading", name="Connect “Pocket”?")).to_be_visible()
    page.get_by_role("button", name="Connect").click()
    expect(page).to_have_title("Pocket")

    tokens = phone.fetch_tokens()
    answer = phone.ask(tokens["access_token"], "Show me team sales for Q4").json()
    assert answer["status"] == "answered"
    assert answer["rows"]

    fresh = phone.refresh(tokens["refresh_token"]).json()
    again = phone.ask(fresh["access_token"], "Show me team sales for Q4").json()
    assert again["status"] == "answered"

    page.goto("/account")
    expect(page.get_by_role("heading", name="Connected apps")).to_be_visible()
    page.get_by_role("button", name="Disconnect Pocket").click()
    expect(page.get_by_text("No app acts in your name.")).to_be_visible()

    refused = phone.ask(fresh["access_token"], "Show me team sales for Q4")
    assert refused.status_code == 401
    assert phone.refresh(fresh["refresh_token"]).status_code == 400


def test_carol_signs_in_anew_for_what_is_sensitive(page, phone, carol):
    page.goto(phone.address(prompt="login"))
    sign_in(page, carol)
    page.get_by_role("textbox", name="Code").fill(totp_code(carol))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Connect").click()
    expect(page).to_have_title("Pocket")

    tokens = phone.fetch_tokens()
    answer = phone.ask(tokens["access_token"], "Show me all employee records").json()

    assert answer["status"] == "answered"
    assert answer["rows"]


def test_who_cancels_goes_back_without_a_code(page, phone, alice):
    page.goto(phone.address())
    sign_in(page, alice)

    page.get_by_role("button", name="Cancel").click()

    expect(page).to_have_title("Pocket")
    assert "error=access_denied" in phone.heard.get(timeout=10)
