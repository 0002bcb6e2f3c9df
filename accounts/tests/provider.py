"""An identity provider on loopback: real HTTP, real signatures, honest unless told.

It follows OpenID Connect Core 1.0 by the book (one use a code, PKCE checked, the
client authenticated, its redirect address exact). What it is told to get wrong, it
gets wrong, and nothing else.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from http.client import HTTPConnection  # noqa: TID251 - stands in for a browser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from joserfc import jwt
from joserfc.jwk import Key, KeySet, RSAKey

from auditlog.selectors import list_events, read_events

CLIENT_ID = "chatsec-at-acme"
CLIENT_SECRET = "acme-secret-zebra"
SUBJECT = "00u-alice"
BEGIN = "/sign-in/with/acme"
CALLBACK = f"{BEGIN}/callback"


def new_key(kid: str, *, bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig", "alg": "RS256"})


HONEST_KEY = new_key("one")


@dataclass
class Provider:
    """Everything that a test may change about the provider."""

    issuer: str
    key: Key = field(default_factory=lambda: HONEST_KEY)
    algorithm: str = "RS256"
    subject: str = SUBJECT
    claims: dict[str, Any] = field(default_factory=dict)
    # Replaces parts of what it publishes; None takes a part away.
    published: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, str | None] = field(default_factory=dict)
    keys: list[Key] | None = None
    # Instead of a token that it made: what the token endpoint gives.
    id_token: str | None = None
    token_status: int = 200
    token_body: bytes | None = None
    checks_codes: bool = True
    requests: list[str] = field(default_factory=list)
    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    last_asked: dict[str, str] = field(default_factory=dict)
    last_code: str = ""
    sid: str = "session-at-acme"

    def configuration(self) -> dict[str, Any]:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.published,
        }
        return {name: value for name, value in document.items() if value is not None}

    def key_set(self) -> dict[str, Any]:
        keys = [self.key] if self.keys is None else self.keys
        return dict(KeySet(keys).as_dict(private=False))

    def authorize(self, asked: Mapping[str, str]) -> str:
        """Sign the subject in without asking; return where the browser goes back."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        self.last_asked = dict(asked)
        self.last_code = code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {
            "code": code,
            "state": asked["state"],
            "iss": self.issuer,
            **self.answers,
        }
        query = urlencode({k: v for k, v in back.items() if v is not None})
        return f"{asked['redirect_uri']}?{query}"

    def exchange(
        self, given: Mapping[str, str], authorization: str
    ) -> tuple[int, bytes]:
        if self.token_body is not None:
            return self.token_status, self.token_body
        refusal = self.refusal_of(given, authorization)
        if refusal:
            return 400, json.dumps({"error": refusal}).encode()
        asked = self.codes[given["code"]]
        self.spent.add(given["code"])
        access = secrets.token_urlsafe(16)
        token = self.id_token or self.sign(self.claims_of(asked, access))
        body = {"access_token": access, "token_type": "Bearer", "id_token": token}
        return 200, json.dumps(body).encode()

    def refusal_of(self, given: Mapping[str, str], authorization: str) -> str:
        pair = f"{CLIENT_ID}:{CLIENT_SECRET}".encode()
        shown = {
            "client_secret_basic": authorization
            == f"Basic {base64.b64encode(pair).decode()}",
            "client_secret_post": given.get("client_secret") == CLIENT_SECRET,
            "none": given.get("client_id") == CLIENT_ID,
        }
        methods = self.configuration()["token_endpoint_auth_methods_supported"]
        if not shown[methods[0]]:
            return "invalid_client"
        code = given.get("code", "")
        if not self.checks_codes:
            self.codes.setdefault(code, self.last_asked)
            return ""
        asked = self.codes.get(code)
        if asked is None or code in self.spent:
            return "invalid_grant"
        digest = sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"]:
            return "invalid_grant"
        if given.get("redirect_uri") != asked["redirect_uri"]:
            return "invalid_grant"
        return ""

    def claims_of(self, asked: Mapping[str, str], access: str) -> dict[str, Any]:
        now = int(time.time())
        half = sha256(access.encode()).digest()[:16]
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": self.subject,
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "sid": self.sid,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **self.claims,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: Mapping[str, Any], *, typ: str | None = None) -> str:
        header = {"alg": self.algorithm, "kid": self.key.kid, **self.header}
        if typ is not None:
            header["typ"] = typ
        header = {name: value for name, value in header.items() if value is not None}
        names = [self.algorithm]
        return jwt.encode(header, dict(claims), self.key, algorithms=names)


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: each[0] for name, each in parse_qs(parts.query).items()}
        self.provider.requests.append(parts.path)
        match parts.path:
            case "/.well-known/openid-configuration":
                self._json(self.provider.configuration())
            case "/keys":
                self._json(self.provider.key_set())
            case "/userinfo":
                self._json({"sub": self.provider.subject, **self.provider.userinfo})
            case "/authorize":
                self.send_response(302)
                self.send_header("Location", self.provider.authorize(asked))
                self.end_headers()
            case _:
                self._answer(404, b"")

    def do_POST(self) -> None:
        self.provider.requests.append(self.path)
        length = int(self.headers.get("Content-Length", "0"))
        form = parse_qs(self.rfile.read(length).decode())
        given = {name: each[0] for name, each in form.items()}
        sent = self.headers.get("Authorization", "")
        status, body = self.provider.exchange(given, sent)
        self._answer(status, body)

    def _json(self, document: Mapping[str, Any]) -> None:
        self._answer(200, json.dumps(document).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def come_back(url: str) -> str:
    """Go where a page sends the browser; return where the provider sends it back."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    connection.close()
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def sent(client: Client, path: str = BEGIN, **form: str) -> str:
    """Press the button; return where the page then sends the browser."""
    page = client.post(path, form)
    assert page.status_code == 200, page.content
    return leaving_url(page.content)


def sign_in(client: Client, path: str = BEGIN, **form: str) -> Any:
    """Go to the provider and come back; return the answer."""
    return client.get(come_back(sent(client, path, **form)))


def who(client: Client) -> str | None:
    """Return whom the browser is signed in as."""
    told = client.get("/api/v1/me").json().get("username")
    return None if told is None else str(told)


def problems() -> list[object]:
    """Return why sign-ins were refused, as the evidence says."""
    rows = list_events(event_type="accounts.sign_in_failed")
    return [each.details["problem"] for each in read_events(list(rows))]


def leaving_url(page: bytes) -> str:
    """Return where the page that leaves for the provider goes."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.decode())
    assert found, page
    return unescape(found.group(1))


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Serve a provider on a free port of loopback until the block ends."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        port = server.server_address[1]
        handler.provider = Provider(f"http://localhost:{port}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield handler.provider  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()
