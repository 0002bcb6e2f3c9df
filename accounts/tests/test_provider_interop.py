"""A provider of another make: what we understand is not only our own dialect."""

import json
from http.client import HTTPConnection  # noqa: TID251 - stands in for a browser
from urllib.parse import urlencode, urlsplit

import oidc_provider_mock
import pytest

from accounts.models import AuthSession
from accounts.services import identity_providers, oidc
from accounts.tests.factories import make_identity, make_provider, make_user
from accounts.tests.provider import sent, who

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
REDIRECT = "http://localhost:8000/sign-in/with/acme/callback"


def posted(url, body, kind="application/x-www-form-urlencoded"):
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    path = f"{parts.path}?{parts.query}"
    connection.request("POST", path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


@pytest.fixture
def issuer(settings):
    """Yield a registered provider of another make, at a free port."""
    with oidc_provider_mock.run_server_in_thread(
        require_client_registration=True, require_nonce=True
    ) as server:
        issuer = f"http://localhost:{server.server_port}"
        settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({urlsplit(issuer).netloc})
        oidc.forget_published()
        wanted = {
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "client_secret_basic",
        }
        _, content = posted(
            f"{issuer}/oauth2/clients", json.dumps(wanted), "application/json"
        )
        client = json.loads(content)
        provider = make_provider(issuer, client_id=client["client_id"])
        identity_providers.save_provider(
            provider, client_secret=client["client_secret"], changed=[]
        )
        yield provider


def come_back_as(url, subject, **form):
    answer, _ = posted(url, urlencode({"sub": subject, **form}))
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def test_it_signs_in(client, issuer):
    make_identity(make_user("alice"), issuer, "alice@acme.example")

    answer = client.get(come_back_as(sent(client), "alice@acme.example"))

    assert answer.status_code == 302
    assert who(client) == "alice"
    assert AuthSession.objects.get().amr == ["fed"]


def test_it_makes_out_who_is_not_linked_and_who_cancelled(client, issuer):
    make_identity(make_user("alice"), issuer, "alice@acme.example")

    assert client.get(come_back_as(sent(client), "bob@x.example")).status_code == 401
    denied = come_back_as(sent(client), "alice@acme.example", action="deny")
    assert client.get(denied).status_code == 400
    assert who(client) is None


def test_its_connection_can_be_tried(issuer):
    assert all(each.is_good for each in identity_providers.try_connection(issuer))
