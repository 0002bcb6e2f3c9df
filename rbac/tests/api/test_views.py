"""The API of roles, assignments, decisions and one's own profile."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from rbac.models import Assignment, Role
from rbac.tests.factories import give_role

ROLES, ASSIGNMENTS = "/api/v1/rbac/roles", "/api/v1/rbac/assignments"
CHECK, MATRIX, ME = "/api/v1/rbac/check", "/api/v1/rbac/matrix", "/api/v1/me"
AUDITOR = {
    "name": "auditor",
    "label": "Auditor",
    "inherits": ["employee"],
    "grants": [
        {"permission": "view_audit"},
        {"permission": "read_*", "condition": "context.hour >= 9"},
        {"permission": "read_pii", "effect": "deny"},
    ],
}


@pytest.fixture
def plain_admin(db):
    """An administrator who has not shown a second factor."""
    from accounts.tests.factories import make_user

    user = make_user("root")
    give_role(user, "admin")
    return user


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ROLES),
        ("post", ROLES),
        ("get", f"{ROLES}/employee"),
        ("patch", f"{ROLES}/employee"),
        ("delete", f"{ROLES}/employee"),
        ("get", ASSIGNMENTS),
        ("post", ASSIGNMENTS),
        ("delete", f"{ASSIGNMENTS}/{UUID(int=1)}"),
        ("get", MATRIX),
    ],
)
def test_it_keeps_strangers_out(api, charlie, method, path):
    anonymous = getattr(api(), method)(path)
    stranger = getattr(api(charlie), method)(path)

    assert (anonymous.status_code, stranger.status_code) == (401, 403)
    assert stranger.json()["code"] == "permission_denied"
    assert stranger["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    ("method", "path"), [("get", ME), ("patch", ME), ("post", CHECK)]
)
def test_it_asks_anonymous_callers_to_sign_in(api, db, method, path):
    response = getattr(api(), method)(path)

    assert response.status_code == 401
    assert response.json()["detail"] == "Please log in to use the chatbot"


def test_it_lists_roles_as_a_page_in_few_queries(
    api, admin, django_assert_max_num_queries
):
    client = api(admin)
    client.get(ROLES)

    with django_assert_max_num_queries(9):
        body = client.get(ROLES, {"page_size": 3}).json()

    assert [role["name"] for role in body["results"]] == [
        "admin",
        "employee",
        "finance",
    ]
    assert body["previous"] is None
    rest = client.get(body["next"]).json()
    assert rest["results"][-1]["name"] == "sales_manager" or rest["next"]
    assert body["results"][2]["inherits"] == ["employee"]


def test_it_creates_changes_and_deletes_a_role(api, admin):
    client = api(admin)

    created = client.post(ROLES, AUDITOR)
    changed = client.patch(f"{ROLES}/auditor", {"inherits": [], "description": "Reads"})
    removed = client.delete(f"{ROLES}/auditor")

    assert created.status_code == 201
    assert created.json()["grants"][0]["permission"] == "read_*"
    assert changed.json()["inherits"] == []
    assert changed.json()["description"] == "Reads"
    assert len(changed.json()["grants"]) == 3
    assert removed.status_code == 204
    assert client.get(f"{ROLES}/auditor").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Not A Name"}, "name"),
        ({"inherits": ["nobody"]}, "inherits"),
        ({"grants": [{"permission": "no_such_code"}]}, "grants.0.permission"),
        ({"grants": [{"permission": "READ"}]}, "grants.0.permission"),
        ({"grants": [{"permission": "*", "effect": "maybe"}]}, "grants"),
        (
            {"grants": [{"permission": "*", "condition": "user.x =="}]},
            "grants.0.condition",
        ),
        ({"grants": [{"permission": "*", "row_filter": "1"}]}, "grants.0.row_filter"),
        ({"grants": [{"permission": "*", "columns": ["a b"]}]}, "grants.0.columns"),
        ({"grants": "all"}, "grants"),
        ({"label": "\x00"}, None),
        ({"label": "x" * 101}, "label"),
    ],
)
def test_it_names_the_field_that_is_wrong(api, admin, change, field):
    response = api(admin).post(ROLES, AUDITOR | change)

    assert response.status_code == 400
    if field:
        assert field in response.json()["errors"]
    assert not Role.objects.filter(label="Auditor").exists()


def test_it_refuses_a_second_role_of_the_name(api, admin):
    response = api(admin).post(ROLES, AUDITOR | {"name": "employee"})

    assert (response.status_code, response.json()["code"]) == (409, "role_exists")


def test_it_refuses_a_circle_of_inheritance(api, admin):
    response = api(admin).patch(f"{ROLES}/employee", {"inherits": ["sales_manager"]})

    assert (response.status_code, response.json()["code"]) == (400, "role_cycle")


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_it_protects_the_administrators_role(api, admin, method):
    response = getattr(api(admin), method)(f"{ROLES}/admin", {"description": "x"})

    assert (response.status_code, response.json()["code"]) == (409, "protected_role")


def test_it_needs_a_second_factor_to_write(api, plain_admin, bob):
    Role.objects.update(requires_factor=False)  # or he would not get this far
    client = api(plain_admin)
    body = {"user": "bob", "role": "finance", "reason": "helps out"}

    responses = [
        client.post(ROLES, AUDITOR),
        client.patch(f"{ROLES}/employee", {"description": "x"}),
        client.delete(f"{ROLES}/employee"),
        client.post(ASSIGNMENTS, body),
    ]

    assert [r.status_code for r in responses] == [403] * 4
    assert {r.json()["code"] for r in responses} == {"mfa_required"}
    assert not bob.role_assignments.filter(role__name="finance").exists()


def test_it_assigns_lists_and_revokes(api, admin, bob):
    client = api(admin)
    body = {"user": "bob", "role": "finance", "reason": "helps out"}

    made = client.post(ASSIGNMENTS, body)
    seen = client.get(ASSIGNMENTS, {"user": "bob", "role": "finance"}).json()["results"]
    had = bob.has_perm("rbac.read_financial")
    gone = client.delete(f"{ASSIGNMENTS}/{made.json()['id']}", {"reason": "is back"})
    again = client.delete(f"{ASSIGNMENTS}/{made.json()['id']}", {"reason": "is back"})

    assert made.status_code == 201
    assert [(row["user"], row["reason"]) for row in seen] == [("bob", "helps out")]
    assert had
    assert (gone.status_code, again.status_code) == (204, 409)
    assert not bob.has_perm("rbac.read_financial")
    assert Assignment.objects.get(pk=made.json()["id"]).revoke_reason == "is back"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"reason": ""}, 400, "reason"),
        ({"reason": "   "}, 400, "reason"),
        ({"reason": "x" * 501}, 400, "reason"),
        ({"role": "nobody"}, 404, None),
        ({"role": "public"}, 400, "role"),
        ({"user": "nobody"}, 404, None),
        ({"valid_until": "2001-01-01T00:00:00Z"}, 400, "valid_until"),
        ({"valid_until": "soon"}, 400, "valid_until"),
        ({"role": "sales_rep"}, 409, None),
    ],
)
def test_it_refuses_what_cannot_be_assigned(  # noqa: PLR0917
    api, admin, bob, change, status, field
):
    body = {"user": "bob", "role": "finance", "reason": "helps out"} | change

    response = api(admin).post(ASSIGNMENTS, body)

    assert response.status_code == status
    if field:
        assert field in response.json()["errors"]


def test_it_needs_a_reason_to_revoke(api, admin, bob):
    row = bob.role_assignments.get()

    response = api(admin).delete(f"{ASSIGNMENTS}/{row.id}")

    assert response.status_code == 400
    row.refresh_from_db()
    assert row.revoked_at is None


def test_it_lists_assignments_in_few_queries(  # noqa: PLR0917
    api, admin, alice, bob, carol, dan
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = api(admin)
    client.get(ASSIGNMENTS)

    with CaptureQueriesContext(connection) as queries:
        body = client.get(ASSIGNMENTS).json()

    assert len(body["results"]) == 5
    assert len(queries) <= 6


def test_it_keeps_the_last_administrator(api, admin):
    row = admin.role_assignments.get()

    response = api(admin).delete(f"{ASSIGNMENTS}/{row.id}", {"reason": "leaves"})

    assert (response.status_code, response.json()["code"]) == (
        409,
        "last_administrator",
    )


def test_losing_a_role_changes_the_next_answer_and_leaves_the_session(api, admin, bob):
    client, row = api(bob), bob.role_assignments.get()
    before = client.post(CHECK, {"user": "bob", "permission": "read_sales"}).json()

    api(admin).delete(f"{ASSIGNMENTS}/{row.id}", {"reason": "left sales"})
    after = client.post(CHECK, {"user": "bob", "permission": "read_sales"})

    assert (before["outcome"], after.json()["outcome"]) == ("allow", "deny")
    assert after.status_code == 200


@pytest.mark.parametrize("user", ["erin", "ERIN", None])
def test_it_answers_about_oneself(api, erin, user):
    body = {"permission": "read_financial"} | ({"user": user} if user else {})

    response = api(erin).post(CHECK, body)

    assert response.status_code == 200
    assert response.json()["outcome"] == "deny"
    assert response.json()["reasons"][0]["text"] == "user lacks required role"


@pytest.mark.parametrize("other", ["bob", "nobody-at-all"])
def test_it_tells_strangers_nothing_about_others(api, charlie, bob, other):
    response = api(charlie).post(CHECK, {"user": other, "permission": "read_sales"})

    assert response.status_code == 403
    assert response.json()["required"] == "explain"


def test_it_explains_others_to_who_may(api, admin, dan, carol):
    client = api(admin)

    sales = client.post(CHECK, {"user": "dan", "permission": "read_sales"}).json()
    late = client.post(
        CHECK,
        {
            "user": str(carol.id),
            "permission": "read_employee_salary",
            "context": {"hour": 18},
        },
    ).json()

    assert sales["outcome"] == "deny"
    assert "read_sales_aggregate" in sales["reasons"][0]["text"]
    assert late["outcome"] == "deny"
    assert "context.hour = 18" in late["reasons"][0]["text"]


@pytest.mark.parametrize(
    "change",
    [
        {"permission": ""},
        {"permission": "a b"},
        {"permission": "\x00"},
        {"resource": []},
        {"resource": {"region": {"deep": 1}}},
        {"context": {"now": "noon"}},
        {"context": {str(n): n for n in range(60)}},
        {"at": "noon"},
    ],
)
def test_it_refuses_questions_that_make_no_sense(api, admin, change):
    body = {"user": "admin", "permission": "read_sales"} | change

    assert api(admin).post(CHECK, body).status_code == 400


@pytest.mark.parametrize(
    "now", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
@pytest.mark.parametrize("name", ["now", "at"])
def test_it_knows_no_hour_outside_of_the_calendar(api, carol, name, now):
    question = {"user": "carol", "permission": "read_employee_salary"}
    about = {"context": {"now": now}} if name == "now" else {"at": now}

    response = api(carol).post(CHECK, question | about)

    if response.status_code == 200:
        assert response.json()["outcome"] == "deny"
    else:
        assert response.status_code == 400


def test_it_answers_about_a_row(api, bob):
    client = api(bob)
    question = {"user": "bob", "permission": "read_sales"}

    own = client.post(CHECK, question | {"resource": {"region": "north"}}).json()
    other = client.post(CHECK, question | {"resource": {"region": "south"}}).json()

    assert (own["outcome"], other["outcome"]) == ("allow", "deny")
    assert "resource.region = south" in other["reasons"][0]["text"]


def test_it_shows_the_matrix(api, admin):
    body = api(admin).get(MATRIX).json()

    cells = {
        (row["code"], cell["role"]): cell
        for row in body["permissions"]
        for cell in row["cells"]
    }
    assert body["roles"][0] == "public"
    assert body["roles"][-1] == "admin"
    assert cells["read_sales", "sales_rep"]["state"] == "granted"
    assert cells["read_sales", "sales_manager"]["state"] == "inherited"
    assert cells["read_sales", "finance"]["state"] == "aggregate"
    assert cells["read_sales", "hr_specialist"]["state"] == "none"
    assert cells["read_sales", "admin"]["grant"] == "*"
    assert "context.hour" in cells["read_employee_salary", "hr_specialist"]["condition"]


def test_it_tells_people_their_profile_and_permissions(api, bob):
    body = api(bob).get(ME).json()

    assert body["username"] == "bob"
    assert body["roles"] == ["sales_rep"]
    assert {"read_sales", "read_public_docs"} <= set(body["permissions"])
    assert "read_financial" not in body["permissions"]


def test_it_lets_people_change_their_display_name_only(api, bob):
    client = api(bob)

    changed = client.patch(ME, {"display_name": "Robert"})
    refused = client.patch(ME, {"region": "south", "roles": ["admin"]})

    assert changed.json()["display_name"] == "Robert"
    assert refused.status_code == 400
    assert set(refused.json()["errors"]) == {"region", "roles"}
    bob.refresh_from_db()
    assert bob.region == "north"


def test_assignments_with_an_end_count_until_it(api, admin, bob):
    until = timezone.now() + timedelta(hours=1)
    body = {"user": "bob", "role": "finance", "reason": "cover", "valid_until": until}

    made = api(admin).post(ASSIGNMENTS, body)
    question = {"user": "bob", "permission": "read_financial", "at": until}
    at_end = api(admin).post(CHECK, question).json()

    assert made.status_code == 201
    assert bob.has_perm("rbac.read_financial")
    assert at_end["outcome"] == "deny"
