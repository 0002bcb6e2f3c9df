"""The OpenAPI document says what the API answers."""

from functools import cache

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

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


@pytest.mark.parametrize("route", LISTS)
def test_the_last_page_is_described_as_having_no_next_one(document, route):
    described = answer_of(document, route)[1]["properties"]

    assert {"string", "null"} == set(described["next"]["type"])
    assert {"string", "null"} == set(described["previous"]["type"])


def test_every_operation_is_described_with_the_problem_it_may_answer(document):
    without = [
        (path, method)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/v1/")
        and "application/problem+json"
        not in operation["responses"].get("default", {}).get("content", {})
    ]

    assert without == []


def test_a_problem_is_answered_as_described(document, api, admin):
    problem = document["components"]["schemas"]["Problem"]

    answered = [
        api(admin).get("/api/v1/audit/events?period=eon").json(),
        api(admin).get("/api/v1/audit/events/none").json(),
        api().get("/api/v1/audit/events").json(),
    ]

    for each in answered:
        Draft202012Validator(problem).validate(each)


def test_an_export_is_described_in_each_of_its_media_types(document):
    export = document["paths"]["/api/v1/audit/events/export"]["get"]

    described = set(export["responses"]["200"]["content"])
    assert described == {"application/x-ndjson", "text/csv"}


def test_no_answer_is_described_as_a_bare_list(document):
    bare = [
        path
        for path, methods in document["paths"].items()
        for answer in methods.get("get", {}).get("responses", {}).values()
        for content in answer.get("content", {}).values()
        if content["schema"].get("type") == "array"
    ]

    assert bare == []
