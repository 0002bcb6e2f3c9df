"""GET and HEAD are safe (RFC 9110, 9.2.1): they leave evidence, and nothing else.

Two measures: which tables the statements of each request write to, and a digest of
every table before and after all of them.
"""

from __future__ import annotations

import pytest
from django.db import connections

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


def written(found: Walk) -> dict[str, frozenset[str]]:
    """Return what was written besides the evidence, by path."""
    return {
        read.path: read.tables - EVIDENCE
        for read in found.reads
        if read.tables - EVIDENCE
    }


@pytest.mark.parametrize(
    ("who", "answers"), [("visitor", 10), ("alice", 20), ("admin", 220)]
)
def test_no_read_changes_anything(who, answers, walk_of):
    found = walk_of(who)

    assert written(found) == {}
    assert found.changed <= EVIDENCE
    assert len([read for read in found.reads if read.status_code == 200]) > answers


def test_head_answers_like_get_or_not_at_all(walk_of):
    """A page that asks `if method == "GET"` must not take a HEAD for a write.

    HEAD passes every CSRF check, so pages with forms refuse it.
    """
    found = walk_of("admin")

    assert [
        (str(got), str(head), head.content[:40])
        for got, head in zip(found.by("GET"), found.by("HEAD"), strict=True)
        if head.status_code not in {got.status_code, 405} or head.content
    ] == []


def test_parameters_of_a_read_change_nothing(people, routes):
    """Words that a form would send, in the query of a GET."""
    query = (
        "?_method=DELETE&action=delete_selected&post=yes&confirm=yes&delete=1&id=1"
        "&role=admin&granted=true&text=hello&_save=1&enabled=false"
    )
    asked = [(people["admin"], "GET", f"{route.path}{query}") for route in routes]
    found = walk(asked)

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
