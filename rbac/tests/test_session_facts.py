import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db


def stamp_queries(queries):
    return [q for q in queries if "FROM rbac_policystamp policy" in q["sql"]]


def test_a_request_by_token_asks_for_no_stamp_of_its_own(api, bob):
    client = api(bob)
    client.get("/api/v1/me")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get("/api/v1/me").status_code == 200

    assert stamp_queries(queries.captured_queries) == []


def test_a_page_asks_for_no_stamp_of_its_own(browser, admin):
    client = browser(admin)
    client.get("/admin/accounts/user/")

    with CaptureQueriesContext(connection) as queries:
        assert client.get("/admin/accounts/user/").status_code == 200

    assert stamp_queries(queries.captured_queries) == []


def test_the_next_request_knows_of_a_change(api, erin):
    client = api(erin)
    before = client.get("/api/v1/me").json()

    give_role(erin, "finance")
    after = client.get("/api/v1/me").json()

    assert "read_financial" not in str(before)
    assert "read_financial" in str(after)
