"""The manners of every API view, whoever owns it."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["rbac/roles", "rbac/assignments", "audit/events"])
@pytest.mark.parametrize("method", ["put", "trace"])
@pytest.mark.parametrize("who", ["admin", "erin", None])
def test_a_method_that_nobody_has_is_405_for_everybody(api, request, path, method, who):
    client = api(request.getfixturevalue(who) if who else None)

    answer = client.generic(method.upper(), f"/api/v1/{path}")

    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "method_not_allowed"
    assert "GET" in answer["Allow"]
