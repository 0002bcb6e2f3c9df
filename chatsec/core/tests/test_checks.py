"""What is said of the database before anybody is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.checks import run_checks
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def isolated(level: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = %s", [level])
    try:
        yield
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("level", "is_wrong"),
    [("read committed", False), ("repeatable read", True), ("serializable", True)],
)
def test_only_read_committed_will_do(level: str, *, is_wrong: bool) -> None:
    with isolated(level):
        found = {message.id for message in run_checks(databases=["default"])}

    assert ("core.E005" in found) is is_wrong


def test_databases_that_nobody_asked_for_are_left_alone() -> None:
    with isolated("serializable"):
        assert "core.E005" not in {message.id for message in run_checks()}
