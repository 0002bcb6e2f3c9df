"""The OpenAPI document says what the API answers."""

from functools import cache

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

LISTS = [
    "auth/sessions",
    "audit/events",
    "audit/alerts",
    "conversations",
    "catalogue",
    "knowledge",
    "privacy/consents",
    "privacy/requests",
    "rbac/roles",
    "rbac/assignments",
]


@cache
def published():
    """Return the document as a visitor gets it; to make it anew takes half a second."""
    return Client().get("/api/schema/?format=json").json()


@pytest.fixture
def document(db):
    return published()


def answer_of(document, route):
    get = document["paths"][f"/api/v1/{route}"]["get"]
    schema = get["responses"]["200"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rsplit("/", 1)[1]
    return get, document["components"]["schemas"][name]


@pytest.mark.parametrize("route", LISTS)
def test_a_list_is_described_as_the_page_it_comes_in(document, api, admin, route):
    get, described = answer_of(document, route)

    answered = api(admin).get(f"/api/v1/{route}").json()

    assert set(described["properties"]) == set(answered)
    assert described["properties"]["results"]["type"] == "array"
    assert {"cursor", "page_size"} <= {each["name"] for each in get["parameters"]}


def test_no_answer_is_described_as_a_bare_list(document):
    bare = [
        path
        for path, methods in document["paths"].items()
        for answer in methods.get("get", {}).get("responses", {}).values()
        for content in answer.get("content", {}).values()
        if content["schema"].get("type") == "array"
    ]

    assert bare == []
