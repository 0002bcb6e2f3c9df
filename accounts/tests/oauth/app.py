"""A connected app as its developer would write it: through the real addresses."""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from django.test import Client
from django.utils.http import urlencode

from accounts.models import AuthSession, OAuthApplication
from accounts.services.applications import register_application

LOOPBACK = "http://127.0.0.1/signed-in"
RETURN_TO = "http://127.0.0.1:49152/signed-in"
SITE = "https://app.example.org/callback"
FORM = "application/x-www-form-urlencoded"


def register(**given: object) -> tuple[OAuthApplication, str]:
    """Return a registered app and its secret; a phone app unless told otherwise."""
    values = {
        "name": "Pocket",
        "client_type": "public",
        "redirect_uris": LOOPBACK,
        "scopes": ["chat", "openid", "profile", "email", "offline_access"],
        **given,
    }
    return register_application(**values)


def register_site(**given: object) -> tuple[OAuthApplication, str]:
    """Return an app that runs on a server and keeps a secret."""
    site = {"name": "Site", "client_type": "confidential", "redirect_uris": SITE}
    return register(**{**site, **given})


class App:
    """Asks for a code in a browser, then for tokens by itself."""

    def __init__(
        self, application: OAuthApplication, secret: str = "", **defaults: str
    ) -> None:
        self.application, self.secret = application, secret
        self.http = Client(HTTP_HOST="testserver")
        self.verifier = secrets.token_urlsafe(48)
        address = RETURN_TO if application.is_public else SITE
        self.asked = {
            "client_id": application.client_id,
            "response_type": "code",
            "redirect_uri": address,
            "scope": "chat openid",
            "state": "st4te",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **defaults,
        }

    @property
    def challenge(self) -> str:
        digest = sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def address(self, **changed) -> str:
        """Return where it sends the browser; None leaves a parameter out."""
        asked = {**self.asked, **changed}
        kept = {name: value for name, value in asked.items() if value is not None}
        return f"/o/authorize?{urlencode(kept)}"

    def ask(self, browser: Client, **changed):
        """Open the consent page."""
        return browser.get(self.address(**changed))

    def decide(self, browser: Client, decision: str = "allow", **changed):
        """Press a button of the consent page."""
        return browser.post(self.address(**changed), {"decision": decision})

    def get_code(self, browser: Client, **changed) -> str:
        """Return the code that the browser comes back with."""
        answer = self.decide(browser, **changed)
        assert answer.status_code == 302, answer.content
        return came_back(answer)["code"]

    def post(self, path: str, **form):
        """Send a form as the app itself."""
        form = {"client_id": self.application.client_id, **form}
        if self.secret:
            form.setdefault("client_secret", self.secret)
        kept = {name: value for name, value in form.items() if value is not None}
        return self.http.post(path, urlencode(kept), content_type=FORM)

    def exchange(self, code: str, /, **changed):
        """Exchange the code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.asked["redirect_uri"],
            "code_verifier": self.verifier,
            **changed,
        }
        return self.post("/o/token", **form)

    def refresh(self, token: str, **changed):
        """Exchange a refresh token for the next pair."""
        form = {"grant_type": "refresh_token", "refresh_token": token, **changed}
        return self.post("/o/token", **form)

    def connect(self, browser: Client, **changed):
        """Return the tokens of a person who said yes."""
        answer = self.exchange(self.get_code(browser, **changed))
        assert answer.status_code == 200, answer.content
        return answer.json()

    def call(self, path: str, access: str):
        """Call the API with an access token."""
        return self.http.get(path, headers={"Authorization": f"Bearer {access}"})


def came_back(answer) -> dict[str, str]:
    """Return what the app reads in the address that the browser comes back to."""
    return dict(parse_qsl(urlsplit(answer["Location"]).query))


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the header of HTTP basic authentication."""
    text = b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"HTTP_AUTHORIZATION": f"Basic {text}"}


def app_session():
    """Return the one session that an app holds."""
    return AuthSession.objects.get(kind="oauth")


def is_refused(answer, error, status=400):
    """Return whether the answer refuses with this error."""
    return answer.status_code == status and answer.json()["error"] == error
