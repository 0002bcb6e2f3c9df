"""What every answer says that it is, and what it never says.

ASVS 3.2.1 and 4.1.1 (an answer is what its header says, and what is no page cannot be
opened as one), 3.3.4 (a session's key leaves in its cookie only), 7.4.4 (every page for
somebody signed in has the way out). All routes, for a user and an administrator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.security.routes import drained

# A browser runs nothing in these, and `nosniff` keeps it from guessing otherwise.
QUOTE = chr(34)
INERT = {
    "application/json",
    "application/problem+json",
    "application/vnd.oai.openapi",
    "application/vnd.oai.openapi+json",
    "text/plain",
    "text/event-stream",
}
# They are kept, not opened: `attachment` (RFC 6266).
FILES = {"application/zip", "text/csv", "application/x-ndjson", "application/jsonl"}
FILES |= {"application/yaml", "application/x-yaml"}
# Scripts of packages: our own are static files.
SCRIPTS = {"text/javascript", "application/javascript"}
# They are no page of somebody signed in: for visitors, or the library's.
WITHOUT_WAY_OUT = ("/api/docs/", "/sign-in", "/privacy/export")


def faults_of(response: Any) -> Iterator[str]:
    """Yield how the answer is not what it says, or says too little."""
    body = b"" if response.streaming else response.content
    named = response.headers.get("Content-Type", "")
    kind, _, rest = named.partition(";")
    if not body and not response.streaming:
        return
    if not kind:
        yield "no Content-Type"
    is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
    if kind not in INERT | SCRIPTS | {"text/html"} and not (kind in FILES and is_file):
        yield f"{kind} is shown"
    if kind.startswith("text/") and "charset=utf-8" not in rest.lower().replace(
        QUOTE, ""
    ):
        yield f"{named} without charset"
    if response.headers.get("X-Content-Type-Options") != "nosniff":
        yield "may be taken for something else"
    yield from (f"{kind} is none" for _ in "x" if not is_what_it_says(kind, body))


def is_what_it_says(kind: str, body: bytes) -> bool:
    if kind == "text/html":
        return body.lstrip()[:15].lower().startswith(b"<!doctype html")
    if kind.endswith("json") and body:
        try:
            json.loads(body)
        except ValueError:
            return False
    return True


@pytest.fixture
def signed_in(
    world: Any, alice: Any, admin: Any, browser: Any
) -> dict[str, tuple[Client, str]]:
    """Return a user's and an administrator's browsers with their cookies."""
    found = {"alice": browser(alice), "admin": browser(admin, stepped_up=True)}
    for client in found.values():
        client.raise_request_exception = False
    name = settings.SESSION_COOKIE_NAME
    return {who: (each, each.cookies[name].value) for who, each in found.items()}


@pytest.mark.parametrize("who", ["alice", "admin"])
def test_answers_are_what_they_say_hide_the_session_and_offer_the_way_out(
    who, signed_in, routes
):
    client, key = signed_in[who]
    faults, shown, closed_in = {}, [], []
    pages = 0
    for route in routes:
        response = client.get(route.path)
        if found := [*faults_of(response)]:
            faults[route.path] = found
        drained(response)
        text = "" if response.streaming else response.content.decode("utf-8", "replace")
        told = " ".join(f"{n}: {v}" for n, v in response.headers.items())
        if key in text or key in told:
            shown.append(route.path)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code != 200 or not is_page:
            continue
        pages += 1
        if not has_way_out(text) and not route.path.startswith(WITHOUT_WAY_OUT):
            closed_in.append(route.path)

    assert faults == {}
    assert shown == []
    assert closed_in == []
    assert pages > {"alice": 12, "admin": 100}[who]


def has_way_out(text: str) -> bool:
    """Whether there is a form that signs out: ours, or the admin site's."""
    return bool(re.search(r'<form[^>]*action="(/sign-out|/admin/logout/)"', text))


class TestTheMeasure:
    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (b"{}", {"Content-Type": "text/html; charset=utf-8"}),
            (b"<svg/>", {"Content-Type": "image/svg+xml"}),
            (b"<a/>", {"Content-Type": "application/xhtml+xml"}),
            (b"a,b", {"Content-Type": "text/csv; charset=utf-8"}),
            (b"hello", {"Content-Type": "text/plain"}),
            (b"{", {"Content-Type": "application/json"}),
        ],
    )
    def test_it_notices(self, body, headers):
        from django.http import HttpResponse

        response = HttpResponse(body, headers=headers)
        response["X-Content-Type-Options"] = "nosniff"

        assert [*faults_of(response)]

    def test_it_notices_a_page_without_the_way_out(self):
        assert not has_way_out('<form action="/search"><a href="/sign-out">')
        assert has_way_out('<form method="post" action="/sign-out">')
