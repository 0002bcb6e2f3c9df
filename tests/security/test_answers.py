"""What every answer says that it is, and what it never says.

ASVS 3.2.1 and 4.1.1 (an answer is what its header says, and what is no page cannot be
opened as one), 3.3.4 (a session's key leaves in its cookie only), 7.4.4 (every page for
somebody signed in has the way out). All routes, for a user and an administrator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any

import pytest

from tests.security.reading import Read

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


@pytest.mark.parametrize(("who", "pages"), [("alice", 12), ("admin", 100)])
def test_answers_are_what_they_say_hide_the_session_and_offer_the_way_out(
    who, pages, walk_of
):
    found = walk_of(who).by("GET")
    pages_shown = [read for read in found if is_page(read)]

    assert {read.path: faults for read in found if (faults := [*faults_of(read)])} == {}
    assert all(read.session for read in found)
    assert [read.path for read in found if read.tells_session] == []
    assert [
        read.path
        for read in pages_shown
        if not has_way_out(read.content.decode())
        and not read.path.startswith(WITHOUT_WAY_OUT)
    ] == []
    assert len(pages_shown) > pages


def is_page(read: Read) -> bool:
    kind = read.headers.get("Content-Type", "")
    return read.status_code == 200 and kind.startswith("text/html")


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

    @pytest.mark.parametrize(
        ("name", "value"),
        [("content", b"<p>s3ss10n</p>"), ("headers", {"X-Session": "a s3ss10n"})],
    )
    def test_it_notices_a_session_that_is_told(self, name, value):
        read = Read(
            path="/",
            method="GET",
            status_code=200,
            streaming=False,
            headers={},
            cookies=SimpleCookie({"session": "s3ss10n"}),
            content=b"",
            session="s3ss10n",
            tables=frozenset(),
        )

        assert not read.tells_session
        assert replace(read, **{name: value}).tells_session

    def test_it_notices_a_page_without_the_way_out(self):
        assert not has_way_out('<form action="/search"><a href="/sign-out">')
        assert has_way_out('<form method="post" action="/sign-out">')
