"""Rows are written out as SQL, and nothing in them can be read as SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from auditlog.services.row_sql import row_as_sql
from auditlog.services.rows import Row

hashes = st.none() | st.binary(max_size=40)
# PostgreSQL keeps no NUL, which `clear_text` has taken out by then, and no surrogates.
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30
) | st.sampled_from(
    ["word", "two words", "a.b", "100%", "%s", "'; --", "\\", "\\'", "ö"]
)
moments = st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(second, UTC))
times = moments | moments.map(lambda time: time.replace(microsecond=999_999))
rows = st.builds(
    Row,
    event_id=st.uuids(),
    category=texts,
    occurred_at=times,
    event_type=texts,
    severity=texts,
    outcome=texts,
    actor_kind=texts,
    actor_pseudonym=st.none() | st.uuids(),
    subject_pseudonym=st.none() | st.uuids(),
    channel=texts,
    session_hash=hashes,
    ip_hash=hashes,
    request_id=texts,
    resource_type=texts,
    resource_id=texts,
    classification=texts,
    result_count=st.none() | st.integers(-(2**31), 2**31 - 1),
    details=hashes,
    subject_details=hashes,
    redacted=st.booleans(),
    redaction_count=st.integers(0, 9),
    expires_at=times,
    schema_version=st.integers(0, 9),
    network_hash=hashes,
    device_hash=hashes,
    country=texts,
)


class Outcome(str, Enum):  # noqa: UP042 - unlike a StrEnum it formats as its name
    """What a caller may pass for a text, as Django's choices are."""

    SUCCESS = "success"


COLUMNS = ", ".join(Row._fields)


def plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def read_back(row: Row) -> tuple[object, ...]:
    values: list[str] = []
    into = f"INSERT INTO copied ({COLUMNS}) VALUES {row_as_sql(row, values)}"
    with connection.cursor() as cursor:
        cursor.execute(f"{into} RETURNING {COLUMNS}", values)
        return tuple(map(plain, cursor.fetchone()))


def make_row(**values: object) -> Row:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    fields: dict[str, object] = dict.fromkeys(Row._fields, "word")
    fields |= dict.fromkeys(("event_id", "actor_pseudonym", "subject_pseudonym"))
    fields |= {name: None for name in Row._fields if name.endswith(("hash", "details"))}
    fields |= {"occurred_at": now, "expires_at": now, "redacted": False}
    fields |= {"result_count": 1, "redaction_count": 0, "schema_version": 2}
    return Row(**{**fields, "event_id": uuid4(), **values})  # type: ignore[arg-type]


@pytest.fixture
def copied(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE copied (LIKE auditlog_event)")
        cursor.execute("ALTER TABLE copied DROP COLUMN xid, DROP COLUMN epoch")


@pytest.mark.usefixtures("copied")
def test_every_value_comes_back_as_it_was() -> None:
    @given(rows)
    def comes_back(row: Row) -> None:
        assert read_back(row) == row

    comes_back()


@pytest.mark.usefixtures("copied")
def test_bytes_do_not_depend_on_how_the_server_reads_backslashes() -> None:
    row = make_row(details=b"\x00\\'\xff41", request_id="\\x41'")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL standard_conforming_strings = off")

    assert read_back(row) == row


def test_an_enumeration_is_written_as_what_it_stands_for() -> None:
    sql = row_as_sql(make_row(outcome=Outcome.SUCCESS), [])

    assert "'success'" in sql
    assert "SUCCESS" not in sql


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("event_id", "NULL); DROP TABLE auditlog_event; --"),
        ("event_id", b"bytes"),
        ("category", None),
        ("details", 1.0),
        ("actor_pseudonym", "NULL"),
        ("occurred_at", "now()"),
        ("session_hash", "NULL"),
        ("details", "text"),
        ("result_count", "1, 2"),
        ("redaction_count", 1.5),
        ("schema_version", UUID(int=1)),
    ],
)
def test_a_value_of_another_type_is_not_written(field: str, wrong: object) -> None:
    with pytest.raises((AttributeError, TypeError, ValueError)):
        row_as_sql(make_row(**{field: wrong}), [])


@pytest.mark.parametrize("text", ["'", "\\", "a'b", "%", "a b", "1", "a-b", "\n"])
def test_whatever_is_no_word_is_the_drivers(text: str) -> None:
    values: list[str] = []

    sql = row_as_sql(make_row(request_id=text), values)

    assert values == [text]
    assert sql.count("%s") == 1
