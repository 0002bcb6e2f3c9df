from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from auditlog.models import SavedSearch

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
