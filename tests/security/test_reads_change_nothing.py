"""GET and HEAD are safe (RFC 9110, 9.2.1): they leave evidence, and nothing else.

Two measures: which tables the statements of each request write to, and a digest of
every table before and after all of them.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from django.test import Client

from tests.security.database_state import digests, writes
from tests.security.routes import drained
from tests.security.test_csrf_everywhere import changed

# What reading leaves behind on purpose: when a session was last used, and evidence.
EVIDENCE = {
    "accounts_authsession",
    "accounts_browsersession",
    "auditlog_event",
    "auditlog_alert",
}


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


@pytest.mark.parametrize("who", ["visitor", "alice", "admin"])
def test_no_read_changes_anything(who, readers, routes):
    client = readers[who]
    before = digests()
    found: dict[str, set[str]] = {}
    answered = 0
    for route in routes:
        for ask in (client.get, client.head) if who == "admin" else (client.get,):
            with writes() as tables:
                response = ask(route.path)
                drained(response)
            answered += response.status_code == 200
            if further := {*tables} - EVIDENCE:
                found.setdefault(route.path, set()).update(further)

    assert found == {}
    assert changed(before) <= EVIDENCE
    assert answered > {"visitor": 10, "alice": 20, "admin": 220}[who]


def test_parameters_of_a_read_change_nothing(readers, routes):
    """Words that a form would send, in the query of a GET."""
    query = (
        "?_method=DELETE&action=delete_selected&post=yes&confirm=yes&delete=1&id=1"
        "&role=admin&granted=true&text=hello&_save=1&enabled=false"
    )
    before = digests()
    for route in routes:
        with writes() as tables:
            drained(readers["admin"].get(f"{route.path}{query}"))
        assert {*tables} <= EVIDENCE, route.path

    assert changed(before) <= EVIDENCE


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
