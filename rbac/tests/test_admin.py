"""Roles and assignments in the admin site, the matrix and explanations."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from auditlog.selectors import list_events
from rbac.models import Assignment, Role
from rbac.services.roles import (
    GrantDefinition,
    RoleDefinition,
    create_role,
    definition_of,
)
from rbac.tests.factories import give_role

ADD_ROLE = "/admin/rbac/role/add/"
ADD_ASSIGNMENT = "/admin/rbac/assignment/add/"
MATRIX, EXPLAIN = "/admin/rbac/matrix/", "/admin/rbac/explain/"


def role_form(*grants, parents=(), **fields):
    data = {
        "name": "auditor",
        "label": "Auditor",
        "description": "",
        "parent_links-TOTAL_FORMS": len(parents),
        "parent_links-INITIAL_FORMS": 0,
        "grants-TOTAL_FORMS": len(grants),
        "grants-INITIAL_FORMS": 0,
    }
    for number, parent in enumerate(parents):
        data[f"parent_links-{number}-parent"] = Role.objects.get(name=parent).pk
    for number, grant in enumerate(grants):
        line = {"effect": "allow", "condition": "", "row_filter": "", "columns": ""}
        for name, value in (line | grant).items():
            data[f"grants-{number}-{name}"] = value
    return data | fields


@pytest.mark.parametrize(
    "path",
    ["/admin/rbac/role/", ADD_ROLE, "/admin/rbac/assignment/", MATRIX, EXPLAIN],
)
def test_it_shows_its_pages_to_administrators_only(browser, admin, staff, erin, path):
    assert browser(admin).get(path).status_code == 200
    assert browser(staff).get(path).status_code == 403
    assert browser(erin).get(path).status_code == 302


def test_it_saves_a_role_as_a_whole_through_the_service(browser, admin):
    response = browser(admin).post(
        ADD_ROLE,
        role_form(
            {"code": "view_audit", "condition": "context.hour >= 9"},
            {"code": "read_sales", "columns": "region, amount"},
            parents=["employee"],
        ),
    )

    assert response.status_code == 302, response.content
    stored = definition_of(Role.objects.get(name="auditor"))
    assert stored.inherits == ("employee",)
    assert {grant.permission: grant.columns for grant in stored.grants} == {
        "view_audit": None,
        "read_sales": ("amount", "region"),
    }
    assert list_events(event_type="rbac.role_created").count() == 1


def test_it_changes_a_role_and_keeps_its_name(browser, admin):
    line = GrantDefinition("view_audit")
    role = create_role(_system(), definition=RoleDefinition("auditor", grants=(line,)))
    kept, pk = role.grants.get(), role.pk
    data = role_form({"code": "read_pii", "id": kept.pk, "role": pk}, name="other")
    data["grants-INITIAL_FORMS"] = 1

    response = browser(admin).post(f"/admin/rbac/role/{pk}/change/", data)

    assert response.status_code == 302, response.content
    role.refresh_from_db()
    assert role.name == "auditor"
    assert [row.code for row in role.grants.all()] == ["read_pii"]


@pytest.mark.parametrize(
    ("grant", "message"),
    [
        ({"code": "view_audit", "condition": "user.x =="}, "ends too early"),
        ({"code": "view_audit", "row_filter": "resource.a &"}, "column 12"),
        ({"code": "NOT A CODE"}, "A code like read_sales"),
        ({"code": "view_audit", "columns": "a b"}, "Names of columns"),
    ],
)
def test_it_shows_what_is_wrong_beside_the_field(browser, admin, grant, message):
    response = browser(admin).post(ADD_ROLE, role_form(grant))

    assert response.status_code == 200
    assert message in response.content.decode()
    assert not Role.objects.filter(name="auditor").exists()


def test_it_shows_a_refusal_of_the_service(browser, admin):
    client = browser(admin)

    response = client.post(ADD_ROLE, role_form({"code": "no_such_code"}), follow=True)

    assert "There is no permission no_such_code." in response.content.decode()
    assert not Role.objects.filter(name="auditor").exists()


def test_it_does_not_let_the_administrators_role_be_edited(browser, admin):
    role = Role.objects.get(name="admin")
    path = f"/admin/rbac/role/{role.pk}/change/"

    assert 'name="_save"' not in browser(admin).get(path).content.decode()
    assert browser(admin).post(path, role_form()).status_code == 403


def test_it_deletes_a_role_through_the_service(browser, admin, bob):
    role = create_role(_system(), definition=RoleDefinition("brief"))
    row, client = give_role(bob, "brief"), browser(admin)
    path = f"/admin/rbac/role/{role.pk}/delete/"

    refused = client.post(path, {"post": "yes"}, follow=True)
    row.delete()
    client.post(path, {"post": "yes"})

    assert "Somebody has this role." in refused.content.decode()
    assert not Role.objects.filter(name="brief").exists()


def test_it_gives_and_takes_a_role_with_reasons(browser, admin, bob):
    client, finance = browser(admin), Role.objects.get(name="finance")
    form = {
        "user": bob.pk,
        "role": finance.pk,
        "valid_from_0": "2020-01-01",
        "valid_from_1": "00:00:00",
        "reason": "helps out",
    }

    without = client.post(ADD_ASSIGNMENT, form | {"reason": ""})
    given = client.post(ADD_ASSIGNMENT, form)
    row = Assignment.objects.get(user=bob, role=finance)
    had = bob.has_perm("rbac.read_financial")
    path = f"/admin/rbac/assignment/{row.pk}/change/"
    unsaid = client.post(path, {"ending_reason": ""})
    client.post(path, {"ending_reason": "is back"})

    assert (without.status_code, given.status_code) == (200, 302)
    assert had
    assert unsaid.status_code == 200
    row.refresh_from_db()
    assert (row.granted_by, row.revoked_by, row.revoke_reason) == (
        admin,
        admin,
        "is back",
    )
    assert not bob.has_perm("rbac.read_financial")
    assert 'name="_save"' not in client.get(path).content.decode()


def test_it_says_so_when_the_last_administrator_would_go(browser, admin):
    row = admin.role_assignments.get()
    path = f"/admin/rbac/assignment/{row.pk}/change/"

    response = browser(admin).post(path, {"ending_reason": "leaves"}, follow=True)

    assert "This is the last administrator." in response.content.decode()
    row.refresh_from_db()
    assert row.revoked_at is None


def test_it_lists_assignments_in_few_queries(  # noqa: PLR0917
    browser, admin, alice, bob, carol, dan, django_assert_max_num_queries
):
    client = browser(admin)
    client.get("/admin/rbac/assignment/")

    with django_assert_max_num_queries(9):
        response = client.get("/admin/rbac/assignment/")

    assert response.content.decode().count("for the test") == 5


def test_the_matrix_shows_grants_inheritance_aggregates_and_conditions(browser, admin):
    page = browser(admin).get(MATRIX).content.decode()

    registered = Permission.objects.filter(content_type__model="domain")
    assert page.count('<th scope="row">') == registered.count() >= 28
    assert "cell--inherited" in page
    assert "Aggregate</span>" in page
    assert 'title="context.hour &gt;= 9 &amp;&amp; context.hour &lt;= 17"' in page
    assert 'title="resource.region == user.region"' in page
    assert "style=" not in page.split("<main", 1)[1]


def test_a_cell_of_the_matrix_says_why(browser, admin):
    client = browser(admin)
    query = {"permission": "read_sales", "role": "sales_manager"}

    page = client.get(MATRIX, query).content.decode()
    nothing = client.get(MATRIX, {"permission": "<b>", "role": "x"}).content.decode()

    assert "Inherited from another role." in page
    assert "Only rows where" in page
    assert 'id="why"' not in nothing


def test_it_explains_somebodys_permission_at_a_time(browser, admin, dan):
    client = browser(admin)

    asked = client.get(EXPLAIN, {"user": "dan", "permission": "read_sales"})
    early = client.get(
        EXPLAIN,
        {"user": "dan", "permission": "read_financial", "at": "2001-01-01 00:00"},
    )
    unknown = client.get(EXPLAIN, {"user": "nobody", "permission": "read_sales"})

    assert "read_sales_aggregate is granted" in asked.content.decode()
    assert "user lacks required role" in early.content.decode()
    assert "There is no such user." in unknown.content.decode()


def test_the_list_of_roles_leads_to_the_matrix(browser, admin):
    page = browser(admin).get("/admin/rbac/role/").content.decode()

    assert reverse("permission-matrix") in page


def _system():
    from chatsec.core.context import SYSTEM

    return SYSTEM
