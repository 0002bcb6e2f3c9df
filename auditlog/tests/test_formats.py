from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditlog import events, formats
from auditlog.services import Target
from auditlog.shapes import ReadEvent
from auditlog.tests.factories import make_actor, make_event

# What spreadsheets calculate, after the white space and quotes that they overlook.
TRIGGERS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001 - they are meant
ALPHABET = st.one_of(
    st.sampled_from(f"{TRIGGERS} '\",;1A(\u00a0\ufeff"), st.characters()
)


@given(st.text(ALPHABET, max_size=30))
def test_no_cell_is_a_formula_after_quoting(text: str) -> None:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow([formats.safe_cell(text)])

    ((cell,),) = csv.reader(io.StringIO(line.getvalue(), newline=""))

    assert not cell.lstrip(' \u00a0\u3000"\ufeff').startswith(tuple(TRIGGERS))
    # One quote was put before it, or nothing was changed.
    assert cell in (text, f"'{text}")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@a", "\t=1", " =1", '"=1', "\uff1d1"]
)
def test_a_formula_is_text(text: str) -> None:
    assert formats.safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "alice", "2026-11-21", "a=b", "1-2"])
def test_plain_text_stays(text: str) -> None:
    assert formats.safe_cell(text) == text


@pytest.mark.django_db
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(ALPHABET, max_size=20))
def test_details_stay_readable_in_every_format(text: str) -> None:
    event = make_event(events.DATA_ACCESS, target=Target("sales", 7))
    read = ReadEvent(event, {"note": text}, {}, "alice", None)

    plain = json.loads(formats.encode([read], "jsonl"))
    row = formats.encode([read], "csv").decode("utf-8", "surrogateescape")
    ((*_, details, _),) = csv.reader(io.StringIO(row, newline=""))

    assert plain["details"] == {"note": text}
    assert json.loads(details) == {"note": text}
    assert json.loads(formats.encode([read], "ocsf"))["metadata"]["version"] == "1.8.0"


@pytest.mark.django_db
def test_lines_have_the_columns_of_the_header() -> None:
    read = ReadEvent(make_event(actor=make_actor()), {}, {}, None, None)
    text = formats.header("csv") + formats.encode([read], "csv")

    (row,) = csv.DictReader(io.StringIO(text.decode(), newline=""))

    assert row["id"] == str(read.event.event_id)
    assert row["user_id"] == str(read.event.actor_pseudonym)
    assert row["actor_name"] == ""
