"""A refusal that a page did not expect is still a refusal."""

import pytest
from django.urls import include, path

from chatsec.core import errors

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

REFUSALS = {
    "invalid": errors.Invalid("Not like this."),
    "unauthenticated": errors.Unauthenticated("Not signed in."),
    "denied": errors.Denied("Not you."),
    "step-up": errors.StepUpRequired("A code first."),
    "not-found": errors.NotFound("Not here."),
    "conflict": errors.Conflict("Not now."),
    "too-many": errors.TooMany("Not so often.", retry_after_seconds=7),
    "unavailable": errors.Unavailable("Not at present."),
}


def refusing(request, name):
    raise REFUSALS[name]


urlpatterns = [
    path("refusing/<slug:name>", refusing),
    path("api/refusing/<slug:name>", refusing),
    path("", include("chatsec.urls")),
]
STATUSES = [
    ("invalid", 400),
    ("unauthenticated", 401),
    ("denied", 403),
    ("step-up", 403),
    ("not-found", 404),
    ("conflict", 409),
    ("too-many", 429),
    ("unavailable", 503),
]


@pytest.mark.parametrize(("name", "status"), STATUSES)
def test_it_is_a_page_that_says_why(client, name, status):
    answer = client.get(f"/refusing/{name}")

    assert answer.status_code == status
    assert REFUSALS[name].message in answer.content.decode()
    assert answer["X-Request-ID"] in answer.content.decode()


@pytest.mark.parametrize(("name", "status"), STATUSES)
def test_programs_get_a_problem_document(client, name, status):
    answer = client.get(f"/api/refusing/{name}")

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == REFUSALS[name].code


def test_a_limit_says_how_long(client):
    assert client.get("/refusing/too-many")["Retry-After"] == "7"
