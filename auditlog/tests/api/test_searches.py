from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from auditlog.models import SavedSearch
from auditlog.services.searches import save_search
from auditlog.tests.factories import forget_cached_keys, make_actor

pytestmark = pytest.mark.django_db
SEARCHES = "/api/v1/audit/searches"
BODY = {"name": "denials", "filters": {"outcome": "denied"}, "is_shared": True}
Api = Callable[..., Any]


def test_only_auditors_have_searches(api: Api, charlie: Any) -> None:
    assert api().get(SEARCHES).status_code == 401
    assert api(charlie).get(SEARCHES).status_code == 403
    assert api(charlie).post(SEARCHES, BODY).status_code == 403


def test_a_search_is_saved_read_changed_and_deleted(api: Api, admin: Any) -> None:
    client = api(admin)

    made = client.post(SEARCHES, BODY)
    one = f"{SEARCHES}/{made.json()['id']}"
    changed = client.patch(one, {"name": "all denials", "is_shared": False})

    assert made.status_code == 201
    assert made.json()["owner"] == "admin"
    assert client.get(SEARCHES).json()["results"] == [changed.json()]
    assert changed.json()["name"] == client.get(one).json()["name"] == "all denials"
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_no_name_that_nobody_has_is_kept(
    api: Api, browser: Callable[..., Any], admin: Any
) -> None:
    """It may be of somebody who was erased, or of whom we never knew."""
    body = {"name": "x", "filters": {"q": "janedoe"}}

    answer = api(admin).post(SEARCHES, body)
    page = browser(admin).post("/admin/audit/search?q=janedoe", {"name": "x"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["q"])
    assert "Nobody is called so" in page.content.decode()
    assert not SavedSearch.objects.exists()


def test_a_cursor_that_the_database_does_not_read_is_no_fault(
    api: Api, admin: Any
) -> None:
    word = b64encode(b"p=2026-01-01T00:00:00%2B23:59").decode()

    assert api(admin).get(SEARCHES, {"cursor": word}).status_code == 400


def test_the_query_count_does_not_depend_on_the_rows(api: Api, admin: Any) -> None:
    client = api(admin)

    def queries() -> int:
        forget_cached_keys()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(SEARCHES).status_code == 200
        return len(captured)

    def share_one(number: int) -> None:
        people = import_module("accounts.tests.factories")
        owner = make_actor(people.make_user(f"auditor-{number}"))
        words = {"outcome": "denied"}
        save_search(owner, name="shared", words=words, is_shared=True)

    share_one(0)
    queries()  # the policy is compiled by the first
    few = queries()
    for number in range(1, 6):
        share_one(number)

    assert queries() == few
    assert len(client.get(SEARCHES).json()["results"]) == 6


def test_a_name_that_is_taken_is_a_conflict(api: Api, admin: Any) -> None:
    client = api(admin)
    client.post(SEARCHES, BODY)

    answer = client.post(SEARCHES, BODY)

    assert answer.status_code == 409
    assert answer.json()["code"] == "search_name_taken"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"filters": {"gossip": "x"}}, "filters"),
        ({"filters": ["outcome"]}, "filters"),
        ({"filters": {"outcome": "maybe"}}, "outcome"),
        ({"name": ""}, "name"),
        ({"is_shared": "perhaps"}, "is_shared"),
    ],
)
def test_bad_values_are_named(
    api: Api, admin: Any, change: dict[str, Any], field: str
) -> None:
    answer = api(admin).post(SEARCHES, {**BODY, **change})

    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not SavedSearch.objects.exists()
