"""Every answer carries the security headers, and every cookie its flags.

All routes of the resolver, for a visitor, a user and an administrator, by several
methods; static files, faults and refusals of all kinds. With the settings of TLS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from http.cookies import Morsel

import pytest
from django.http.response import HttpResponse, HttpResponseBase
from django.test import Client

from accounts.tests.factories import PASSWORD
from tests.security.conftest import FOREIGN, OTHER_METHODS
from tests.security.reading import Read, walk

EXACT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
    "Reporting-Endpoints": 'csp="/csp-reports"',
}
POLICY = {
    "default-src": {"'none'"},
    "object-src": {"'none'"},
    "base-uri": {"'none'"},
    "frame-ancestors": {"'none'"},
    "form-action": {"'self'"},
    "connect-src": {"'self'"},
    "font-src": {"'self'"},
    "img-src": {"'self'", "data:"},
    "report-uri": {"/csp-reports"},
    "report-to": {"csp"},
}
NEVER = (
    "Server",
    "X-Powered-By",
    "Via",
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
)
# Public keys and the reader's own files may be kept; nothing else.
CACHEABLE = (
    "/static/",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
)
FEATURES = ("camera", "geolocation", "microphone", "payment", "usb")
NONCE = re.compile(r"'nonce-([A-Za-z0-9+/=_-]{16,})'")
OTHER_ANSWERS = [
    ("GET", "/static/css/base.css", {}, 200),
    ("GET", "/static/admin/css/base.css", {}, 200),
    ("GET", "/static/nothing.css", {}, 404),
    ("GET", "/static/../chatsec/settings.py", {}, 404),
    ("GET", "/nowhere", {}, 404),
    ("GET", "/admin/nowhere/", {}, 302),
    ("GET", "/admin", {}, 301),
    ("GET", "/api/nowhere", {}, 404),
    ("GET", "/api/v1/nowhere", {}, 404),
    ("GET", "/.well-known/nowhere", {}, 404),
    ("GET", "/test-fault", {}, 500),
    ("GET", "/api/v1/test-fault", {}, 500),
    ("GET", "/sign-in", {"HTTP_HOST": "evil.example"}, 400),
    ("GET", "/api/v1/me", {"HTTP_AUTHORIZATION": "Bearer x.y.z"}, 401),
    ("DELETE", "/api/v1/me", {}, 405),
    ("GET", "/sign-in?next=\x00", {}, 200),
]


@pytest.fixture
def with_faults(over_tls):
    over_tls.ROOT_URLCONF = "tests.security.urls"


def complaints(response: HttpResponseBase | Read, path: str) -> Iterator[str]:
    yield from (
        f"{name} is {response.headers.get(name)!r}"
        for name, value in EXACT.items()
        if response.headers.get(name) != value
    )
    yield from (f"{name} is sent" for name in NEVER if name in response.headers)
    yield from policy_complaints(response.headers.get("Content-Security-Policy", ""))
    yield from cookie_complaints(response)
    allowed = response.headers.get("Permissions-Policy", "")
    yield from (f"{name} allowed" for name in FEATURES if f"{name}=()" not in allowed)
    if not path.startswith(CACHEABLE) and "no-store" not in response.headers.get(
        "Cache-Control", ""
    ):
        yield f"Cache-Control is {response.headers.get('Cache-Control')!r}"
    if not response.headers.get("X-Request-ID"):
        yield "no request id"
    yield from html_complaints(response)


def html_complaints(response: HttpResponseBase | Read) -> Iterator[str]:
    """Yield what the policy would keep a page from doing."""
    kind = response.headers.get("Content-Type", "")
    if not kind.startswith("text/html"):
        return
    if "charset" not in kind:
        yield "HTML without a charset"
    if isinstance(response, HttpResponse | Read) and not response.streaming:
        page = Inline()
        page.feed(response.content.decode())
        yield from page.found


class Inline(HTMLParser):
    """Notes scripts and styles in a page without a nonce, and such attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        data = tag == "script" and given.get("type") == "application/json"
        if (
            tag in {"script", "style"}
            and not data
            and not given.keys() & {"src", "nonce"}
        ):
            self.found.append(f"<{tag}> in the page")
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.found.append(f"{name}={value!r} at <{tag}>")
            if (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"{name}={value!r} at <{tag}>")


def policy_complaints(header: str) -> Iterator[str]:
    parts = [part.split() for part in header.split(";") if part.strip()]
    policy = {name: set(sources) for name, *sources in parts}
    for name, sources in POLICY.items():
        if policy.get(name) != sources:
            yield f"CSP {name} is {policy.get(name)}"
    for name in ("script-src", "style-src"):
        rest = {source for source in policy.get(name, set()) if source != "'self'"}
        if len(rest) > 1 or not all(NONCE.fullmatch(source) for source in rest):
            yield f"CSP {name} is {policy.get(name)}"
    if "unsafe" in header or "*" in header or "http:" in header:
        yield f"CSP is {header}"


def cookie_complaints(response: HttpResponseBase | Read) -> Iterator[str]:
    for name, cookie in response.cookies.items():
        yield from (f"cookie {name} {fault}" for fault in cookie_faults(name, cookie))


def cookie_faults(name: str, cookie: Morsel[str]) -> Iterator[str]:
    if not name.startswith("__Host-"):
        yield "without prefix"
    if not cookie["secure"]:
        yield "not Secure"
    if cookie.value and not cookie["httponly"]:
        yield "not HttpOnly"
    if str(cookie["samesite"]) not in {"Lax", "Strict"}:
        yield f"SameSite {cookie['samesite']!r}"
    if cookie["domain"] or cookie["path"] != "/":
        yield "for more than this host"


def faults_in(reads: Iterable[Read]) -> dict[str, list[str]]:
    """Return what is wrong with which answer."""
    faults = {str(read): [*complaints(read, read.path)] for read in reads}
    return {read: found for read, found in faults.items() if found}


class TestEveryRoute:
    @pytest.mark.parametrize(
        ("who", "answers"),
        [("visitor", 15), ("alice", 25), ("admin", 140)],
    )
    def test_it_answers_with_the_headers(self, who, answers, walk_of):
        """A read of each, and one further method in turn."""
        walked, otherwise = walk_of(who), walk_of(f"{who} otherwise").reads

        assert faults_in([*walked.reads, *otherwise]) == {}
        assert len(otherwise) > 200
        asked = [*walked.by("GET"), *otherwise]
        assert len([read for read in asked if read.status_code == 200]) > answers

    def test_it_answers_methods_that_it_does_not_have_with_them(self, walk_of):
        reads = walk_of("others").reads

        assert faults_in(reads) == {}
        assert len(reads) > 400

    @pytest.mark.prove
    @pytest.mark.parametrize("method", OTHER_METHODS)
    def test_it_answers_every_method_with_the_headers(self, method, people, routes):
        for client in people.values():
            asked = ((client, method, route.path) for route in routes)
            found = walk(asked, headers=FOREIGN)

            assert faults_in(found.reads) == {}


@pytest.mark.usefixtures("with_faults")
class TestOtherAnswers:
    @pytest.mark.parametrize("who", ["visitor", "admin"])
    def test_they_carry_the_headers(self, who, people):
        for method, path, extra, status in OTHER_ANSWERS:
            response = people[who].generic(method, path, secure=True, **extra)

            assert (path, [*complaints(response, path)]) == (path, [])
            if who == "visitor":
                assert (path, response.status_code) == (path, status)

    def test_too_much_at_once(self, people):
        response = people["visitor"].post(
            "/api/v1/auth/token",
            b'"' + b"x" * 300_000 + b'"',
            content_type="application/json",
            secure=True,
        )

        assert response.status_code == 413
        assert [*complaints(response, "")] == []

    def test_a_refused_write(self, people):
        client = Client(enforce_csrf_checks=True)
        response = client.post("/sign-in", {}, secure=True)

        assert response.status_code == 403
        assert [*complaints(response, "")] == []

    def test_the_way_to_tls(self, people):
        response = people["visitor"].get("/sign-in")

        assert response.status_code == 301
        assert response["Location"] == "https://testserver/sign-in"
        assert set(complaints(response, "")) == {
            "Strict-Transport-Security is None"  # browsers ignore it there (RFC 6797)
        }


class TestCookies:
    def test_signing_in_and_out_sets_only_good_ones(self, over_tls, alice):
        client = Client(enforce_csrf_checks=True)
        page = client.get("/sign-in", secure=True)
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', page.content.decode())
        signed_in = client.post(
            "/sign-in",
            {
                "username": "alice",
                "password": PASSWORD,
                "csrfmiddlewaretoken": token[1] if token else "",
            },
            secure=True,
            headers={"Referer": "https://testserver/sign-in"},
        )
        assert signed_in.status_code == 302
        assert "__Host-session" in signed_in.cookies

        account = client.get("/account", secure=True)
        token = re.search(
            r'csrfmiddlewaretoken" value="([^"]+)', account.content.decode()
        )
        signed_out = client.post(
            "/sign-out",
            {"csrfmiddlewaretoken": token[1] if token else ""},
            secure=True,
            headers={"Referer": "https://testserver/account"},
        )

        assert signed_out.status_code == 302
        for response in (page, signed_in, account, signed_out):
            assert [*complaints(response, "")] == []

    def test_the_session_ends_with_the_browser(self, over_tls, alice):
        client = Client()
        signed_in = client.post(
            "/sign-in", {"username": "alice", "password": PASSWORD}, secure=True
        )

        cookie = signed_in.cookies["__Host-session"]
        assert cookie["max-age"] == ""
        assert cookie["expires"] == ""
        assert len(cookie.value) >= 32


class TestNonces:
    def test_no_two_pages_share_one(self, people):
        pages = ["/sign-in", "/admin/", "/", "/nowhere", "/api/docs/"]
        seen = []
        for path in pages * 3:
            response = people["admin"].get(path, secure=True)
            found = NONCE.search(response["Content-Security-Policy"])
            seen += [found[1]] if found else []
            assert found or b"nonce=" not in response.content

        assert len(seen) >= 3
        assert len({*seen}) == len(seen)


class TestTheMeasure:
    """The crawl would see what it looks for."""

    def test_it_notices_each_missing_header(self, people):
        response = people["visitor"].get("/sign-in", secure=True)
        names = [*EXACT, "Content-Security-Policy", "Permissions-Policy"]
        for name in [*names, "Cache-Control", "X-Request-ID"]:
            kept = response.headers[name]
            del response.headers[name]
            assert [*complaints(response, "/sign-in")], name
            response.headers[name] = kept

        assert [*complaints(response, "/sign-in")] == []

    def test_it_notices_what_the_policy_would_stop(self):
        page = Inline()
        page.feed(
            "<script>a()</script><script src=/a.js></script><script nonce=x>b</script>"
            "<style>p{}</style><p style='color:red' onclick='a()'>"
            "<a href=' JavaScript:a()'>x</a><script type=application/json>{}</script>"
        )

        assert len(page.found) == 5

    @pytest.mark.parametrize(
        "worse",
        [
            "script-src 'self' 'unsafe-inline'",
            "script-src 'self' 'unsafe-eval' 'nonce-AAAAAAAAAAAAAAAAAAAAAA=='",
            "script-src 'self' https:",
            "default-src 'self'",
            "frame-ancestors 'self'",
            "form-action *",
        ],
    )
    def test_it_notices_a_weaker_policy(self, client, worse):
        policy = client.get("/healthz")["Content-Security-Policy"]
        name = worse.split()[0]
        kept = [p for p in policy.split(";") if p.split()[0] != name]

        assert [*policy_complaints(policy)] == []
        assert [*policy_complaints("; ".join([*kept, worse]))]
