"""Runs governed queries on a company's database: read only, briefly, few rows."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy
from psycopg2 import errorcodes
from psycopg2.extensions import connection as DriverConnection  # noqa: N812 - a class
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from chat.datasets.errors import (
    DefinitionRefused,
    SourceTimeout,
    SourceUnavailable,
)
from chat.datasets.rewriter import BoundQuery
from chatsec.core.errors import JsonScalar

DRIVER = "postgresql+psycopg2"
CONNECT_SECONDS = 3
POOL_SIZE = 5
LARGEST_EXACT_INTEGER = 2**53


@dataclass(frozen=True)
class Fetched:
    """Rows as the source returned them; `is_cut` says that there were more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[JsonScalar, ...], ...]
    is_cut: bool


class Sources:
    """The open engines of this process, one for each data source and version."""

    def __init__(self) -> None:
        self._engines: dict[str, tuple[str, Engine]] = {}
        self._guard = threading.Lock()

    def engine(self, key: str, url: str) -> Engine:
        """Return the engine of source `key`; a changed URL replaces the old one."""
        with self._guard:
            known = self._engines.get(key)
            if known and known[0] == url:
                return known[1]
            if known:
                known[1].dispose()
            engine = make_engine(url)
            self._engines[key] = (url, engine)
            return engine

    def forget(self) -> None:
        """Start anew in a forked process: the connections are its parent's.

        The lock may have been held by a thread that does not exist here.
        """
        self._guard = threading.Lock()
        for _, engine in self._engines.values():
            engine.dispose(close=False)
        self._engines = {}


sources = Sources()
os.register_at_fork(after_in_child=sources.forget)


def parse_source_url(url: str) -> str:
    """Return the URL with the driver chatsec uses; raise DefinitionRefused."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DefinitionRefused("This is not a database URL.") from error
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise DefinitionRefused("Only PostgreSQL data sources are supported.")
    if not parsed.database:
        raise DefinitionRefused("The URL names no database.")
    named = parsed.set(drivername=DRIVER)
    return named.render_as_string(hide_password=False)


def make_engine(url: str) -> Engine:
    """Return an engine whose connections start clean and can only read."""
    engine = sqlalchemy.create_engine(
        parse_source_url(url),
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        pool_reset_on_return=None,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
        connect_args={"connect_timeout": CONNECT_SECONDS},
        hide_parameters=True,
    )
    event.listen(engine, "reset", _reset)
    return engine


def run(
    engine: Engine, query: BoundQuery, *, timeout_ms: int, max_rows: int
) -> Fetched:
    """Return at most `max_rows` rows of the query; nothing can be written by it."""
    (found,) = run_together(engine, [(query, max_rows)], timeout_ms=timeout_ms)
    return found


def run_together(
    engine: Engine, queries: Sequence[tuple[BoundQuery, int]], *, timeout_ms: int
) -> list[Fetched]:
    """Return what each query finds, at most so many rows, all in one snapshot."""
    try:
        with engine.connect() as connection:
            connection.execute(
                sqlalchemy.text("SELECT set_config('statement_timeout', :ms, true)"),
                {"ms": str(timeout_ms)},
            )
            found = [_fetched(connection, *each) for each in queries]
            connection.rollback()
    except DBAPIError as error:
        raise _translated(error) from error
    except SQLAlchemyError as error:
        raise SourceUnavailable(type(error).__name__) from error
    return found


def _fetched(
    connection: sqlalchemy.Connection, query: BoundQuery, max_rows: int
) -> Fetched:
    result = connection.execute(sqlalchemy.text(query.sql), dict(query.parameters))
    rows = result.fetchmany(max_rows + 1)
    columns = tuple(result.keys())
    return Fetched(columns, _json_rows(rows[:max_rows]), len(rows) > max_rows)


def explain(engine: Engine, query: BoundQuery, *, timeout_ms: int) -> None:
    """Prove that the source accepts the query, without reading a row of it."""
    plan = BoundQuery(
        f"EXPLAIN {query.sql}", query.parameters, query.outputs, False, ()
    )
    run(engine, plan, timeout_ms=timeout_ms, max_rows=1)


def _translated(error: DBAPIError) -> SourceUnavailable:
    code = getattr(error.orig, "pgcode", None)
    if code == errorcodes.QUERY_CANCELED:
        return SourceTimeout("statement timeout")
    return SourceUnavailable(f"{type(error.orig).__name__} {code or ''}".strip())


def _reset(connection: DriverConnection, record: object, state: object) -> None:
    """Leave nothing of one query behind for the next: settings, temporary tables."""
    connection.rollback()
    connection.set_session(isolation_level=None, readonly=None, autocommit=True)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
    connection.autocommit = False


def _json_rows(
    rows: Sequence[sqlalchemy.Row[tuple[object, ...]]],
) -> tuple[tuple[JsonScalar, ...], ...]:
    return tuple(tuple(_json(cell) for cell in row) for row in rows)


def _json(cell: object) -> JsonScalar:
    """Return a cell as JSON carries it; exact where a client can keep it exact."""
    match cell:
        case None | bool() | str() | float():
            return cell
        case int():
            return cell if abs(cell) <= LARGEST_EXACT_INTEGER else str(cell)
        case Decimal():
            whole = cell == cell.to_integral_value()
            return (
                int(cell)
                if whole and abs(cell) < LARGEST_EXACT_INTEGER
                else float(cell)
            )
        case datetime() | date():
            return cell.isoformat()
        case _:
            return str(cell)
