"""A database out of reach is 503 on every path, and never shows what it said."""

import json

import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections
from django.test import Client

from chatsec.core.logs import JsonFormatter
from chatsec.core.outage import cause_of, is_out_of_reach

COOKIE = {settings.SESSION_COOKIE_NAME: "a" * 32}


@pytest.fixture
def unreachable(transactional_db):
    known = connections["default"].settings_dict
    before = known["PASSWORD"]
    connection.close()
    known["PASSWORD"] = "not-the-password"
    yield known
    known["PASSWORD"] = before
    connection.close()


@pytest.fixture
def caller():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("cookies", [{}, COOKIE])
def test_it_answers_the_api_with_503(unreachable, caller, cookies):
    caller.cookies.load(cookies)
    body = {"username": "alice", "password": "whatever it is"}

    answer = caller.post("/api/v1/auth/token", body, content_type="application/json")

    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "unavailable"
    assert unreachable["USER"] not in answer.content.decode()


@pytest.mark.parametrize("path", ["/sign-in", "/api/v1/me"])
def test_the_log_says_why(unreachable, caller, caplog, path):
    caller.cookies.load(COOKIE)
    caller.get(path)

    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]

    causes = {line["cause"] for line in lines if "cause" in line}
    assert causes == {
        f'password authentication failed for user "{unreachable["USER"]}"'
    }


@pytest.mark.parametrize("path", ["/", "/sign-in", "/account", "/admin/"])
def test_it_shows_browsers_a_page(unreachable, caller, path):
    caller.cookies.load(COOKIE)

    answer = caller.get(path)

    page = answer.content.decode()
    assert answer.status_code == 503
    assert answer["X-Request-ID"] in page
    assert answer["Content-Security-Policy"]
    assert unreachable["USER"] not in page


def test_a_fault_of_ours_stays_500(db):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        with pytest.raises(OperationalError) as slow:
            cursor.execute("SELECT pg_sleep(1)")

    assert not is_out_of_reach(slow.value)
    assert not cause_of(slow.value)
    assert not is_out_of_reach(ValueError("no database at all"))


def test_no_process_waits_long_for_a_connection():
    for alias in ("default", "owner", "retention"):
        assert connections[alias].settings_dict["OPTIONS"]["connect_timeout"] == 2
