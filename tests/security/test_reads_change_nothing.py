"""GET and HEAD are safe (RFC 9110, 9.2.1): they leave evidence, and nothing else.

Two measures: which tables the statements of each request write to, and a digest of
every table before and after all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from tests.security.database_state import changed, digests, writes
from tests.security.reading import Walk, walk

# What reading leaves behind on purpose: when a session was last used, evidence, and,
# while an export runs, that it does.
EVIDENCE = {
    "accounts_authsession",
    "accounts_browsersession",
    "auditlog_event",
    "auditlog_alert",
    "auditlog_exportplace",
}


WALK = pytest.StashKey[Walk]()


@pytest.fixture
def readers(world: Any, alice: Any, admin: Any, browser: Any) -> dict[str, Client]:
    """Return a visitor, a user and an administrator who proved a second factor."""
    found = {
        "visitor": Client(),
        "alice": browser(alice),
        "admin": browser(admin, stepped_up=True),
    }
    for client in found.values():
        client.raise_request_exception = False
    return found


@pytest.fixture
def administrators_walk(request: pytest.FixtureRequest) -> Walk:
    """Return one walk over everything, made by whichever test needs it first."""
    stash = request.session.stash
    if WALK not in stash:
        client = request.getfixturevalue("readers")["admin"]
        routes = request.getfixturevalue("routes")
        stash[WALK] = walk(client, routes, ["GET", "HEAD"])
    return stash[WALK]


def written(found: Walk) -> dict[str, frozenset[str]]:
    """Return what was written besides the evidence, by path."""
    return {
        read.path: read.tables - EVIDENCE
        for read in found.reads
        if read.tables - EVIDENCE
    }


@pytest.mark.parametrize("who", ["visitor", "alice"])
def test_no_read_changes_anything(who, readers, routes):
    found = walk(readers[who], routes, ["GET"])

    assert written(found) == {}
    assert found.changed <= EVIDENCE
    answered = [read for read in found.reads if read.status == 200]
    assert len(answered) > {"visitor": 10, "alice": 20}[who]


def test_no_read_by_an_administrator_changes_anything(administrators_walk):
    found = administrators_walk

    assert written(found) == {}
    assert found.changed <= EVIDENCE
    assert len([read for read in found.reads if read.status == 200]) > 220


def test_head_answers_like_get_or_not_at_all(administrators_walk):
    """A page that asks `if method == "GET"` must not take a HEAD for a write.

    HEAD passes every CSRF check, so pages with forms refuse it.
    """
    pairs = zip(
        administrators_walk.by("GET"), administrators_walk.by("HEAD"), strict=True
    )

    assert [
        (got, head)
        for got, head in pairs
        if head.status not in {got.status, 405} or head.begins
    ] == []


def test_parameters_of_a_read_change_nothing(readers, routes):
    """Words that a form would send, in the query of a GET."""
    query = (
        "?_method=DELETE&action=delete_selected&post=yes&confirm=yes&delete=1&id=1"
        "&role=admin&granted=true&text=hello&_save=1&enabled=false"
    )
    asked = [replace(route, path=f"{route.path}{query}") for route in routes]
    found = walk(readers["admin"], asked, ["GET"])

    assert written(found) == {}
    assert found.changed <= EVIDENCE


@pytest.mark.django_db
class TestTheMeasure:
    def test_it_notices_a_write(self, alice):
        before = digests()
        with writes() as tables, connections["default"].cursor() as cursor:
            cursor.execute("UPDATE accounts_user SET department = 'Other'")

        assert tables == ["accounts_user"]
        assert changed(before) == {"accounts_user"}

    @pytest.mark.parametrize(
        ("statement", "table"),
        [
            ('INSERT INTO "a" VALUES (1)', "a"),
            ('DELETE FROM "a" WHERE 1=0', "a"),
            ("WITH x AS (UPDATE a SET b = 1 RETURNING *) SELECT * FROM x", "a"),
            ("UPDATE ONLY a SET b = 1", "a"),
        ],
    )
    def test_it_reads_statements(self, statement, table):
        with connections["default"].cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE a (b int)")
            with writes() as tables:
                cursor.execute(statement)

        assert tables == [table]

    def test_a_lock_is_no_write(self, alice):
        with writes() as tables, connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1 FROM accounts_user FOR NO KEY UPDATE")

        assert tables == []
