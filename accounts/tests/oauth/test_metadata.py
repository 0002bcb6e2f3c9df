"""What the provider says of itself, read by a client library that is not ours."""

from base64 import urlsafe_b64encode
from hashlib import sha512

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from django.test import Client
from django.urls import resolve
from joserfc import jwt
from joserfc.jwk import KeySet

from accounts.tests.oauth.app import RETURN_TO

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


@pytest.mark.django_db
def test_both_documents_are_one(client):
    assert client.get(OPENID).json() == client.get(OAUTH).json()
    assert "max-age" in client.get(OPENID)["Cache-Control"]


@pytest.mark.django_db
def test_it_offers_what_there_is_and_no_more(client):
    told = client.get(OPENID).json()

    assert told["issuer"] == "http://localhost:8000"
    assert told["response_types_supported"] == ["code"]
    assert told["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    for absent in ("registration_endpoint", "introspection_endpoint"):
        assert absent not in told
    for name, address in told.items():
        if name.endswith(("_endpoint", "_uri")):
            path = address.removeprefix("http://localhost:8000")
            assert resolve(path)


@pytest.mark.django_db
def test_another_library_finds_it_valid(client):
    told = client.get(OPENID).json()
    # Both demand https, which a test does not speak, of every address.
    over_tls = {
        name: value.replace("http://", "https://") if isinstance(value, str) else value
        for name, value in told.items()
    }

    AuthorizationServerMetadata(over_tls).validate()
    # OpenID Connect wants RS256 offered; ours are Ed25519 (ADR 13).
    algorithms = [*told["id_token_signing_alg_values_supported"], "RS256"]
    over_tls["id_token_signing_alg_values_supported"] = algorithms
    OpenIDProviderMetadata(over_tls).validate()


@pytest.mark.django_db
def test_another_library_makes_a_request_that_is_understood(phone, browser, alice):
    app = OAuth2Session(
        phone.application.client_id,
        scope="openid chat",
        redirect_uri=RETURN_TO,
        code_challenge_method="S256",
    )
    address, _state = app.create_authorization_url(
        "/o/authorize", code_verifier="v" * 43
    )

    assert "Connect “Pocket”?" in browser(alice).get(address).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/o/introspect", "/o/register", "/o/device", "/o/applications/", "/o/"]
)
def test_the_librarys_other_pages_are_not_served(path):
    assert Client().get(path).status_code == 404


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the name, by RFC 9864
def test_another_library_accepts_the_id_token(phone, browser, alice):
    told = phone.connect(browser(alice), nonce="n0nce")
    keys = KeySet.import_key_set(Client().get("/.well-known/jwks.json").json())

    token = jwt.decode(told["id_token"], keys, algorithms=["EdDSA"])

    claims = CodeIDToken(
        token.claims,
        token.header,
        options={
            "iss": {"essential": True, "value": "http://localhost:8000"},
            "aud": {"essential": True, "value": phone.application.client_id},
            "nonce": {"essential": True, "value": "n0nce"},
        },
        params={
            "client_id": phone.application.client_id,
            "nonce": "n0nce",
            "access_token": told["access_token"],
        },
    )
    claims.validate(leeway=0)
    digest = sha512(told["access_token"].encode()).digest()[:32]
    assert claims["at_hash"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
