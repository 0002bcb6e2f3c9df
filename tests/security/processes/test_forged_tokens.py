"""More than sixty tokens that are not what they say: none opens anything."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
import time
from collections.abc import Iterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from tests.security.processes.people import signed_in

ME = "/api/v1/me"


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Forge:
    """Makes tokens from a good one and the installation's real key."""

    def __init__(self, pair, stranger, canary) -> None:
        self.pair, self.stranger, self.canary = pair, stranger, canary
        self.kid, seed = next(iter(settings.CHATSEC_TOKEN_KEYS.items()))
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        self.claims = jwt.decode(pair.access, options={"verify_signature": False})
        self.header, self.body, self.signature = pair.access.split(".")

    def signed(self, *, drop=(), key=None, alg="EdDSA", head=None, **claims) -> str:
        body = {k: v for k, v in {**self.claims, **claims}.items() if k not in drop}
        headers = {"kid": self.kid, "typ": "at+jwt", **(head or {})}
        return jwt.encode(body, key or self.key, algorithm=alg, headers=headers)

    def unsigned(self, **head: object) -> str:
        header = {"alg": "none", "typ": "at+jwt", "kid": self.kid, **head}
        return f"{b64(header)}.{self.body}."


def forgeries(forge: Forge) -> Iterator[tuple[str, str]]:
    yield from _algorithms(forge)
    yield from _headers(forge)
    yield from _claims(forge)
    yield from _shapes(forge)
    yield from _confusions(forge)


def _algorithms(forge):
    for name in ("none", "None", "NONE", "nOnE", "", "HS256", "EdDSA "):
        yield f"alg {name!r}", forge.unsigned(alg=name)
    public = forge.key.public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    for name in ("HS256", "HS384", "HS512"):
        secret = raw.ljust(64, b"\0")
        yield f"public key as {name} secret", forge.signed(key=secret, alg=name)
    yield "empty secret", forge.signed(key=b"\0" * 64, alg="HS256")
    elliptic = ec.generate_private_key(ec.SECP256R1())
    yield "ES256", forge.signed(key=elliptic, alg="ES256")
    psychic = b64({"alg": "ES256", "typ": "at+jwt", "kid": forge.kid})
    yield "psychic", f"{psychic}.{forge.body}.{b64(bytes(64))}"
    large = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    yield "RS256", forge.signed(key=large, alg="RS256")
    yield "PS256", forge.signed(key=large, alg="PS256")
    yield "another Ed25519 key", forge.signed(key=Ed25519PrivateKey.generate())


def _headers(forge):
    own = Ed25519PrivateKey.generate()
    point = own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(point), "kid": forge.kid}
    url = forge.canary
    for head in (
        {"typ": "JWT"},
        {"typ": "at+JWT"},
        {"typ": "refresh+jwt"},
        {"typ": "id+jwt"},
        {"typ": ""},
        {"kid": "unknown"},
        {"kid": ""},
        {"kid": "../../../../dev/null"},
        {"kid": "x' UNION SELECT 'key"},
        {"kid": url},
        {"jku": url},
        {"x5u": url},
        {"jwk": jwk},
        {"x5c": [b64(point)]},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": True},
        {"cty": "JWT"},
        {"zip": "DEF"},
    ):
        name = ", ".join(f"{k}={v}" for k, v in head.items())[:40]
        yield f"header {name}", forge.signed(head=head)
    for head in ({"jku": url}, {"x5u": url}, {"jwk": jwk}, {"kid": url}):
        yield f"own key by {next(iter(head))}", forge.signed(head=head, key=own)


def _claims(forge):
    for name in ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "auth_time"):
        yield f"without {name}", forge.signed(drop=(name,))
    now = int(time.time())
    for claims in (
        {"iss": "https://evil.example"},
        {"iss": ""},
        {"aud": "another-service"},
        {"aud": ["chatsec-api", "another-service"]},
        {"aud": None},
        {"exp": now - 1},
        {"exp": 0},
        {"exp": "tomorrow"},
        {"nbf": now + 120},
        {"iat": now + 120},
        {"sub": forge.stranger.id.hex},
        {"sub": str(forge.stranger.id)},
        {"sub": "admin"},
        {"sub": None},
        {"sid": "00000000-0000-0000-0000-000000000000"},
        {"sid": f"{forge.claims['sid']}' OR 1=1"},
        {"sid": None},
    ):
        name = ", ".join(f"{k}={v}" for k, v in claims.items())[:40]
        yield f"claim {name}", forge.signed(**claims)


def _shapes(forge):
    header, body, signature = forge.header, forge.body, forge.signature
    changed = b64({**forge.claims, "amr": ["pwd", "otp", "mfa"]})
    yield "changed claims", f"{header}.{changed}.{signature}"
    yield "no signature", f"{header}.{body}."
    yield "two parts", f"{header}.{body}"
    yield "four parts", f"{header}.{body}.{signature}.{signature}"
    yield "zero signature", f"{header}.{body}.{b64(bytes(64))}"
    yield "half a signature", f"{header}.{body}.{signature[:43]}"
    yield "five parts", f"{header}.{body}.{signature}.{body}.{signature}"
    flat = {"protected": header, "payload": body, "signature": signature}
    yield "JSON serialisation", json.dumps(flat)
    yield "too long", forge.signed(padding="x" * 8192)
    yield "deep header", f"{b64(b'[' * 3000)}.{body}.{signature}"
    yield "nothing", ""
    yield "a word", "admin"


def _confusions(forge):
    yield "refresh token as access token", forge.pair.refresh
    yield (
        "id token as access token",
        forge.signed(head={"typ": "JWT"}, aud="some-app", drop=("sid", "jti")),
    )
    yield "a key that never was", "csk_" + "a" * 8 + os.urandom(24).hex()


@pytest.fixture
def canary():
    """Return an address at which nobody must call, and who did."""
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        over = threading.Event()

        def listen():
            while not over.is_set():
                try:
                    calls.append(listener.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json", calls
        over.set()
        thread.join()


@pytest.fixture
def forge(people, canary):
    return Forge(signed_in(people.make()), people.make(), canary[0])


def told(group, token):
    """Return what the processes answer to the token; sent as it is, odd or not."""
    return group.everywhere(ME, headers={"Authorization": f"Bearer {token}"})


def statuses(answers):
    return [answer.status for answer in answers]


def test_no_forged_or_confused_token_opens_anything(servers, forge, canary):
    made = list(forgeries(forge))
    assert len(made) >= 60
    for good in (forge.pair.access, forge.signed()):
        assert statuses(told(servers, good)) == [200] * 3

    answers = {name: statuses(told(servers, token)) for name, token in made}

    # What is too long for a header does not even get to the application.
    assert answers.pop("too long") == [431] * 3
    assert {k: v for k, v in answers.items() if v != [401] * 3} == {}
    assert canary[1] == []


def test_forgeries_are_seen_where_signatures_are_not_checked(flawed, forge):
    accepted = [
        name
        for name, token in forgeries(forge)
        if any(answer.status == 200 for answer in told(flawed, token))
    ]

    assert len(accepted) > 10
