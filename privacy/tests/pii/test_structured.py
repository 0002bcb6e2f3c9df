"""JSON by key and by value, and log lines."""

import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.pii import Policy, redact_json, redact_record_text
from privacy.pii.structured import MAX_DEPTH, TOO_DEEP, label_of_key


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("password", "SECRET"),
        ("Password", "SECRET"),
        ("userPassword", "SECRET"),
        ("api_key", "SECRET"),
        ("apiKey", "SECRET"),
        ("X-Api-Key", "SECRET"),
        ("Authorization", "SECRET"),
        ("refresh_token", "SECRET"),
        ("ssn", "SSN"),
        ("first_name", "PERSON"),
        ("lastName", "PERSON"),
        ("customer_email", "EMAIL"),
        ("home_phone", "PHONE"),
        ("dateOfBirth", "DATE_OF_BIRTH"),
        ("card_number", "CREDIT_CARD"),
        ("client_ip", "IP"),
        ("employee_id", "EMPLOYEE_ID"),
        ("billing_address", "ADDRESS"),
        ("user_id", None),
        ("name", None),
        ("region", None),
        ("token_count", None),
        ("shipping", None),
        ("description", None),
        ("ip_version", None),
        ("", None),
    ],
)
def test_it_reads_keys(key, label):
    assert label_of_key(key) == label


def test_it_hides_by_key_and_by_value_at_any_depth():
    value = {
        "user": {"first_name": "Zyx", "tags": ["call 212-555-1234", "vip"]},
        "rows": [{"region": "South", "total": 12.5, "password": "abc"}],
        "ok": True,
        "none": None,
    }

    assert redact_json(value) == {
        "user": {
            "first_name": "[PERSON_REDACTED]",
            "tags": ["call [PHONE_REDACTED]", "vip"],
        },
        "rows": [{"region": "South", "total": 12.5, "password": "[SECRET_REDACTED]"}],
        "ok": True,
        "none": None,
    }


def test_it_hides_everything_below_a_telling_key():
    value = {"credentials": {"a": ["x", {"b": 7}], "email": "q"}, "phone": 2125551234}

    assert redact_json(value) == {
        "credentials": {
            "a": ["[SECRET_REDACTED]", {"b": "[SECRET_REDACTED]"}],
            "email": "[EMAIL_REDACTED]",
        },
        "phone": "[PHONE_REDACTED]",
    }


def test_it_walks_json_inside_strings():
    inner = json.dumps({"token": "abc", "deeper": json.dumps({"ssn": "1"})})

    redacted = redact_json({"body": inner})

    assert json.loads(redacted["body"])["token"] == "[SECRET_REDACTED]"
    assert json.loads(json.loads(redacted["body"])["deeper"]) == {
        "ssn": "[SSN_REDACTED]"
    }


def test_it_reads_a_name_in_the_light_of_its_key():
    assert redact_json({"name": "Fatima Benali"}) == {"name": "[PERSON_REDACTED]"}
    assert redact_json({"name": "sales_summary"}) == {"name": "sales_summary"}


def test_it_redacts_keys_and_loses_none():
    value = {"a@example.com": 1, "b@example.com": 2}

    assert redact_json(value) == {"[EMAIL_REDACTED]": 1, "[EMAIL_REDACTED]#2": 2}


def test_it_hides_card_numbers_that_are_numbers():
    assert redact_json([4111111111111111, 1735689600000]) == [
        "[CC_REDACTED]",
        1735689600000,
    ]


def test_it_leaves_the_reference_log_shape():
    event = {
        "event_type": "chatbot_query",
        "timestamp": "2024-11-15T14:32:15Z",
        "user_id": "user123",
        "session_id": "sess_abc456",
        "intent": "get_sales_report",
        "query_type": "database_query",
        "execution_time_ms": 234,
        "status": "success",
        "resource_ids": ["sale_789", "sale_790"],
        "query": "SELECT * FROM sales WHERE region = %s",
    }

    assert redact_json(event) == event


def test_it_drops_what_is_nested_too_deep():
    value = "jane@example.com"
    for _ in range(MAX_DEPTH + 50):
        value = [value]

    text = json.dumps(redact_json(value))

    assert TOO_DEEP in text
    assert "jane" not in text


def test_it_survives_a_string_of_brackets():
    assert redact_json({"a": "[" * 20_000}) == {"a": "[" * 20_000}


def test_it_keeps_to_the_labels_of_the_policy():
    policy = Policy(labels=frozenset({"EMAIL"}))

    assert redact_json({"password": "x", "m": "a@b.co"}, policy=policy) == {
        "password": "x",
        "m": "[EMAIL_REDACTED]",
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.just("password"), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_it_walks_any_json_and_changes_nothing_the_second_time(value):
    once = redact_json(value)

    assert redact_json(once) == once
    json.dumps(once)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"password": "x", "n": 1}', '{"password": "[SECRET_REDACTED]", "n": 1}'),
        ("login of jane@example.com", "login of [EMAIL_REDACTED]"),
        ('{"password": "x"', None),
        ("[not json] from 203.0.113.9", "[not json] from [IP_REDACTED]"),
        ("", ""),
    ],
)
def test_it_redacts_a_log_line(line, expected):
    redacted = redact_record_text(line)

    assert redacted == expected if expected is not None else '"x"' not in redacted


def test_it_fits_a_logging_filter(caplog):
    class Redacting(logging.Filter):
        def filter(self, record):
            record.msg = redact_record_text(record.getMessage())
            record.args = ()
            return True

    logger = logging.getLogger("pii-filter-test")
    logger.addFilter(Redacting())

    logger.warning("refused %s from %s", "jane@example.com", "203.0.113.9")

    assert caplog.messages == ["refused [EMAIL_REDACTED] from [IP_REDACTED]"]
