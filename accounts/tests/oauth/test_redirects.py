"""Where a code may be sent: thirty ways to be almost right."""

import pytest

from accounts.models import AuthorizationCode
from accounts.redirect_uris import find_fault, form_target_of, is_registered
from accounts.tests.oauth.app import App, came_back, register
from chatsec.core.errors import Invalid

REGISTERED = "https://app.example.org/callback"

ALMOST = [
    "https://app.example.org/callback/",
    "https://app.example.org/callback?",
    "https://app.example.org/callback?x=1",
    "https://app.example.org/callback#",
    "https://app.example.org/callback#x",
    "https://app.example.org/callback;x=1",
    "https://app.example.org/callback/../callback",
    "https://app.example.org/callback/..",
    "https://app.example.org/callback%2f",
    "https://app.example.org/callback%00",
    "https://app.example.org/callback\x00",
    "https://app.example.org/callback\n",
    "https://app.example.org/callback ",
    " https://app.example.org/callback",
    "https://app.example.org/Callback",
    "https://app.example.org/call%62ack",
    "https://app.example.org//callback",
    "https://app.example.org/",
    "https://app.example.org",
    "https://APP.example.org/callback",
    "HTTPS://app.example.org/callback",
    "http://app.example.org/callback",
    "https://app.example.org:443/callback",
    "https://app.example.org:8443/callback",
    "https://app.example.org./callback",
    "https://app.example.org@evil.example/callback",
    "https://user@app.example.org/callback",
    "https://app.example.org.evil.example/callback",
    "https://evil.example/https://app.example.org/callback",
    "https://evil.example\\@app.example.org/callback",
    "https:\\\\app.example.org\\callback",
    "https:/app.example.org/callback",
    "//app.example.org/callback",
    "/callback",
    "https://аpp.example.org/callback",  # noqa: RUF001 - a Cyrillic letter
    "https://app.example.org/ｃallback",  # noqa: RUF001 - a wide one
    "https://app.exa\tmple.org/callback",
    "https://*.example.org/callback",
    "javascript:alert(1)//https://app.example.org/callback",
    "data:text/html,https://app.example.org/callback",
]


@pytest.mark.parametrize("uri", ALMOST)
def test_almost_is_not_registered(uri):
    assert not is_registered(uri, [REGISTERED])


@pytest.mark.django_db
def test_no_code_leaves_for_an_address_that_is_almost_right(site, browser, alice):
    visitor = browser(alice)

    for uri in ALMOST:
        for answer in (
            site.ask(visitor, redirect_uri=uri),
            site.decide(visitor, redirect_uri=uri),
            site.decide(visitor, "deny", redirect_uri=uri),
        ):
            assert answer.status_code == 400, uri
            assert "Location" not in answer
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize(
    ("uri", "registered", "same"),
    [
        ("http://127.0.0.1:49152/cb", "http://127.0.0.1/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", True),
        ("http://[::1]:49152/cb", "http://[::1]/cb", True),
        ("http://127.0.0.1:65536/cb", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1:0/cb", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1:080/cb", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1:/cb", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1:49152/cb/", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1:49152/cb?x=1", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1:1@evil.example/cb", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1.evil.example/cb", "http://127.0.0.1/cb", False),
        ("http://127.0.0.2:49152/cb", "http://127.0.0.1/cb", False),
        ("http://127.1/cb", "http://127.0.0.1/cb", False),
        ("http://0x7f.1/cb", "http://127.0.0.1/cb", False),
        ("http://2130706433/cb", "http://127.0.0.1/cb", False),
        ("http://localhost:49152/cb", "http://127.0.0.1/cb", False),
        ("http://[::1]:49152/cb", "http://127.0.0.1/cb", False),
        ("http://[::ffff:127.0.0.1]/cb", "http://127.0.0.1/cb", False),
        ("https://127.0.0.1:49152/cb", "http://127.0.0.1/cb", False),
        ("com.example.app:/cb", "com.example.app:/cb", True),
        ("com.example.app:/cb2", "com.example.app:/cb", False),
        ("com.example.app://cb", "com.example.app:/cb", False),
        ("com.example.app:///cb", "com.example.app:/cb", False),
        ("COM.example.app:/cb", "com.example.app:/cb", False),
    ],
)
def test_only_the_port_of_a_loopback_address_is_free(uri, registered, same):
    assert is_registered(uri, [registered]) is same


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.org/callback",
        "https://app.example.org",
        "https://app.example.org:8443/callback?kind=1",
        "https://[2001:db8::1]/callback",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:8080/cb",
        "http://[::1]/cb",
        "com.example.app:/signed-in",
    ],
)
def test_these_can_be_registered(uri):
    assert find_fault(uri) == ""


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.org/callback",
        "http://localhost/cb",
        "http://127.0.0.2/cb",
        "https://localhost/cb",
        "https://app.example.org/callback#x",
        "https://user:secret@app.example.org/callback",
        "https://*.example.org/callback",
        "https://APP.example.org/callback",
        "https://app.example.org/../callback",
        "https://app.example.org:99999/callback",
        "https://app.example.org:/callback",
        "https:///callback",
        "https:/app.example.org/callback",
        "myapp:/signed-in",
        "com.example.app://signed-in",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "urn:ietf:wg:oauth:2.0:oob",
        "//app.example.org",
        "callback",
        "x" * 600,
    ],
)
def test_these_cannot_be_registered(uri):
    assert find_fault(uri)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "uris", ["", "http://app.example.org/cb", "https://a.b/ " * 11]
)
def test_an_app_with_such_an_address_is_not_registered(uris):
    with pytest.raises(Invalid) as refused:
        register(redirect_uris=uris)

    assert "redirect_uris" in refused.value.fields


@pytest.mark.django_db
def test_an_app_of_several_addresses_names_the_one(browser, alice):
    two = App(*register(redirect_uris="http://127.0.0.1/a http://127.0.0.1/b"))

    answer = two.decide(browser(alice), redirect_uri="http://127.0.0.1:5000/b")

    assert answer["Location"].startswith("http://127.0.0.1:5000/b?")
    assert two.ask(browser(alice), redirect_uri=None).status_code == 400


@pytest.mark.django_db
def test_a_query_of_the_registered_address_stays(browser, alice):
    kind = App(
        *register(
            client_type="confidential",
            redirect_uris="https://app.example.org/callback?kind=1",
        )
    )

    answer = kind.decide(
        browser(alice), redirect_uri="https://app.example.org/callback?kind=1"
    )

    told = came_back(answer)
    assert told["kind"] == "1"
    assert told["code"]


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("http://127.0.0.1:49152/cb", "http://127.0.0.1:49152"),
        ("http://127.0.0.1/cb", "http://127.0.0.1"),
        ("http://[::1]:49152/cb", "http:"),
        ("https://app.example.org/callback?kind=1", "https:"),
        ("com.example.app:/signed-in", "com.example.app:"),
    ],
)
def test_the_pages_policy_names_no_more_than_it_must(uri, named):
    assert form_target_of(uri) == named


@pytest.mark.django_db
def test_a_scheme_of_the_apps_own_is_allowed_in_the_pages_policy(browser, alice):
    own = App(*register(redirect_uris="com.example.app:/signed-in"))

    page = own.ask(browser(alice), redirect_uri="com.example.app:/signed-in")
    answer = own.decide(browser(alice), redirect_uri="com.example.app:/signed-in")

    assert "form-action 'self' com.example.app:;" in page["Content-Security-Policy"]
    assert answer["Location"].startswith("com.example.app:/signed-in?")
