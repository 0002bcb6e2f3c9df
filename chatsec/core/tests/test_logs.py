import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsec.core import redaction
from chatsec.core.logs import JsonFormatter, QuietTasks


def line(message, *args, exc_info=None, **extra):
    record = logging.LogRecord(
        "chatsec", logging.INFO, __file__, 1, message, args, exc_info
    )
    record.__dict__.update(extra)
    return JsonFormatter().format(record)


def test_a_record_is_one_line_of_json_with_the_request_id():
    written = json.loads(line("hello %s", "world"))

    assert written["message"] == "hello world"
    assert written["level"] == "INFO"
    assert written["request_id"]


@pytest.mark.django_db
def test_what_django_logs_after_an_answer_carries_its_request_id(client, caplog):
    answer = client.get("/api/v1/nowhere")

    written = [JsonFormatter().format(record) for record in caplog.records]

    assert written
    assert {json.loads(one)["request_id"] for one in written} == {
        answer["X-Request-ID"]
    }


def test_it_redacts_messages_and_extra_fields():
    written = line("sent to %s", "jane@example.org", address="bob@example.org")

    assert "example.org" not in written
    assert "[EMAIL_REDACTED]" in written


def test_an_exception_leaves_its_type_and_stack_but_not_its_words():
    try:
        int("jane@example.org typed hunter2hunter2")
    except ValueError:
        written = line("it failed", exc_info=sys.exc_info())

    assert "hunter2" not in written
    assert "jane" not in written
    assert json.loads(written)["error_type"] == "ValueError"
    assert "test_logs.py" in json.loads(written)["stack"][0]


@given(st.text(max_size=80))
def test_no_text_breaks_out_of_its_record(text):
    written = line("%s", text)

    assert len(written.splitlines()) == 1
    json.loads(written)


def test_a_broken_redactor_shows_nothing(settings, monkeypatch):
    def broken(text: str) -> str:
        raise RuntimeError

    monkeypatch.setattr(redaction, "_redactor", lambda: broken)

    assert redaction.redact("jane@example.org") == "[REDACTED]"


def test_what_runs_every_second_is_heard_of_when_it_fails_only() -> None:
    quiet = QuietTasks(["app.tasks.often"])

    def kept(level: int, name: str) -> bool:
        record = logging.LogRecord("celery", level, "", 0, "came", None, None)
        record.data = {"name": name}
        return quiet.filter(record)

    assert not kept(logging.INFO, "app.tasks.often")
    assert kept(logging.ERROR, "app.tasks.often")
    assert kept(logging.INFO, "app.tasks.daily")
    assert quiet.filter(logging.LogRecord("x", logging.INFO, "", 0, "y", None, None))
