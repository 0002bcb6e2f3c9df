"""The matrix, the picture, explanations and trying: pages that only show."""

from __future__ import annotations

import re

import pytest

from auditlog.selectors import list_events
from rbac.models import Role
from rbac.pages.attributes import AttributesField
from rbac.tests.factories import give_role

MATRIX, PICTURE = "/admin/rbac/matrix/", "/admin/rbac/picture/"
EXPLAIN, TRY = "/admin/rbac/explain/", "/admin/rbac/try/"
GIVE, GIVE_MANY = "/admin/rbac/give/", "/admin/rbac/give-many/"
PAGES = [MATRIX, PICTURE, EXPLAIN, TRY, GIVE, GIVE_MANY]


def body_of(response):
    return response.content.decode().split("<main", 1)[1]


@pytest.mark.parametrize("path", [*PAGES, "take-back"])
def test_strangers_are_kept_out_of_every_page(browser, staff, charlie, bob, path):
    row = bob.role_assignments.get()
    path = path.replace("take-back", f"/admin/rbac/assignment/{row.pk}/take-back/")

    for ask in (browser(staff).get, browser(staff).post):
        assert ask(path).status_code == 403
    answer = browser(charlie).get(path)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")
    row.refresh_from_db()
    assert row.revoked_at is None


@pytest.mark.parametrize("path", PAGES)
def test_pages_carry_no_inline_style_or_script(browser, admin, alice, path):
    page = body_of(browser(admin).get(path, follow=True))

    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=", page)


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (MATRIX, 12),
        (MATRIX + "?permission=read_sales&role=sales_manager", 14),
        (PICTURE, 26),
        (EXPLAIN + "?user=alice&permission=read_team_sales", 16),
        (GIVE, 9),
    ],
)
def test_pages_take_few_queries(  # noqa: PLR0917
    browser, admin, alice, bob, path, limit, django_assert_max_num_queries
):
    client = browser(admin)
    client.get(path)

    with django_assert_max_num_queries(limit):
        assert client.get(path).status_code == 200


def test_the_index_and_the_list_of_roles_lead_to_the_pages(browser, admin, staff):
    index = browser(admin).get("/admin/").content.decode()
    roles = browser(admin).get("/admin/rbac/role/").content.decode()

    for path in (MATRIX, PICTURE, EXPLAIN):
        assert f'href="{path}"' in index
        assert f'href="{path}"' in roles
    assert MATRIX not in browser(staff).get("/admin/").content.decode()


def test_a_cell_shows_path_grant_and_row_filter(browser, admin, alice):
    query = {"permission": "read_sales", "role": "sales_manager"}

    page = body_of(browser(admin).get(MATRIX, query))

    assert "sales_manager → sales_rep" in page
    assert "<code>resource.region == user.region</code>" in page
    assert "1 person has this role." in page


def test_an_empty_cell_says_why_too(browser, admin):
    query = {"permission": "read_pii", "role": "sales_rep"}

    assert "covers this permission." in body_of(browser(admin).get(MATRIX, query))


def test_the_matrix_is_filtered_by_permission_and_role(browser, admin):
    client = browser(admin)

    some = client.get(MATRIX, {"q": "salary", "r": "HR"}).context
    none = client.get(MATRIX, {"q": "no such thing"}).content.decode()

    assert [role.name for role in some["roles"]] == ["hr_specialist"]
    assert [row.code for row, _ in some["rows"]] == [
        "read_employee_salary",
        "read_employee_salary_aggregate",
    ]
    assert "Nothing matches." in none


def test_the_matrix_shows_no_more_roles_than_fit(browser, admin):
    Role.objects.bulk_create(
        Role(name=f"extra_{n:02}", label=f"Extra {n}") for n in range(30)
    )

    response = browser(admin).get(MATRIX)

    assert len(response.context["roles"]) == 25
    assert "There is more than fits here" in response.content.decode()


def test_the_picture_shows_the_check_of_the_reference(browser, admin, alice):
    page = body_of(browser(admin).get(PICTURE))

    texts = re.findall(r'role="listitem"><title>(\d)\. ([^<]+)</title>', page)
    assert [int(number) for number, _ in texts] == [1, 2, 3, 4, 5, 6, 7, 8]
    steps = [text.replace("&quot;", '"') for _, text in texts]
    assert steps[0] == 'User makes query: "Show me team sales for Q4"'
    assert steps[1] == "System identifies user: alice (Sales Manager)"
    assert steps[2] == "System retrieves roles: [Sales Manager]"
    assert steps[3].endswith(
        "Inherits from Sales Rep → Inherits from Employee → Own permissions"
    )
    assert "read_company_directory" in steps[4]
    assert steps[5] == 'System checks required permission: "read_team_sales"'
    assert steps[6].startswith("Permission check: ✓ GRANTED")
    assert steps[7].startswith("Query executes with user context")
    for label in (
        "User Assignment",
        "Permission Grant",
        "inherits",
        "Authorization Check Flow",
    ):
        assert f">{label}</text>" in page


def test_the_picture_shows_a_real_refusal(browser, admin, bob):
    query = {"user": "bob", "permission": "read_team_sales", "role": "-"}

    response = browser(admin).get(PICTURE, query)

    flow = response.context["flow"]
    assert flow.steps[6].text == (
        "Permission check: ✗ DENIED (user lacks required role)"
    )
    assert flow.steps[7].text.startswith("Nothing is executed")
    assert "Sales Manager</text>" not in response.content.decode()


def test_the_picture_keeps_inheritance_dotted_and_boxes_inside(browser, admin, alice):
    drawing = browser(admin).get(PICTURE).context["drawing"]

    kinds = {link.kind for link in drawing.links}
    assert kinds == {"assignment", "inherits", "grant"}
    labels = {link.label for link in drawing.links if link.kind == "inherits"}
    assert labels == {"inherits"}
    for tier in drawing.tiers:
        for box in tier.boxes:
            assert box.x >= 0
            assert box.x + box.width <= drawing.width
            assert tier.y <= box.y
            assert box.bottom <= tier.y + tier.height


@pytest.mark.parametrize(
    "query",
    [
        {"user": "nobody"},
        {"user": ""},
        {"role": "no_such_role"},
        {"permission": "<script>"},
        {"role": "sales_rep", "user": "\x00"},
    ],
)
def test_the_picture_survives_bad_choices(browser, admin, query):
    response = browser(admin).get(PICTURE, query)

    assert response.status_code == 200
    assert "<script>" not in body_of(response)


def test_without_alice_the_picture_shows_the_roles(browser, admin):
    response = browser(admin).get(PICTURE)

    assert response.context["flow"] is None
    assert len(response.context["drawing"].tiers) == 3


def test_it_explains_with_path_and_rows(browser, admin, alice):
    query = {"user": "alice", "permission": "read_sales"}

    page = body_of(browser(admin).get(EXPLAIN, query))

    assert ">Yes</span>" in page
    stops = re.findall(r'path__stop">([^<]+)<', page)
    assert stops == ["alice", "Sales Manager", "Sales Rep", "read_sales"]
    assert "<code>resource.region == user.region</code>" in page


@pytest.mark.parametrize(
    ("permission", "attributes", "outcome"),
    [
        ("read_sales", "region=north", "allow"),
        ("read_sales", "region=south", "deny"),
        ("read_sales", "amount=1", "deny"),
        ("approve_discounts", "context.discount_amount=1000", "allow"),
        ("approve_discounts", "context.discount_amount=1000.01", "deny"),
        ("read_team_data", "context.hour=7", "deny"),
    ],
)
def test_an_explanation_is_the_decision(  # noqa: PLR0917
    browser, admin, alice, permission, attributes, outcome
):
    query = {"user": "alice", "permission": permission, "attributes": attributes}

    found = browser(admin).get(EXPLAIN, query).context["found"]

    assert found.decision.outcome == outcome


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59", "tomorrow"])
def test_an_explanation_survives_odd_moments(browser, admin, alice, at):
    query = {"user": "alice", "permission": "read_team_data", "at": at}

    assert browser(admin).get(EXPLAIN, query).status_code == 200


def test_explaining_leaves_no_event_of_a_check(browser, admin, alice):
    browser(admin).get(EXPLAIN, {"user": "alice", "permission": "read_sales"})

    assert not list_events(event_type="authorization_check").exists()


@pytest.mark.parametrize(
    ("text", "attributes", "word", "said"),
    [
        ("resource.region == user.region", "region=north", "true", "Here"),
        ("resource.region == user.region", "region=west", "false", "Here"),
        ("resource.region == user.region", "", "unknown", "resource.region"),
        ("resource.region ==", "", "error", "column"),
        ("resource.region == user.region", "region", "error", "Line 1"),
    ],
)
def test_it_tries_a_condition_on_somebody(  # noqa: PLR0917
    browser, admin, bob, text, attributes, word, said
):
    query = {"text": text, "user": "bob", "attributes": attributes}
    client = browser(admin)

    answer = client.get(TRY, query, HTTP_ACCEPT="application/json").json()
    page = client.get(TRY, query).content.decode()

    assert answer["word"] == word
    assert said in answer["text"]
    assert said in page


def test_trying_on_somebody_needs_the_right_to_explain(browser, bob, db):
    from accounts.tests.factories import make_user
    from chatsec.core.context import SYSTEM
    from rbac.services.roles import GrantDefinition, RoleDefinition, create_role

    line = GrantDefinition("manage_roles")
    create_role(SYSTEM, definition=RoleDefinition("role_author", grants=(line,)))
    author = make_user("author", is_staff=True, totp=True)
    give_role(author, "role_author")
    client = browser(author)

    assert client.get(TRY, {"text": "true", "user": "bob"}).status_code == 403
    assert client.get(TRY, {"text": "true"}).status_code == 200


def test_attributes_are_read_by_what_they_look_like():
    text = "region=north\ncontext.hour=10\namount=1.50\nopen=true\nnone=null\nz='1'"

    found = AttributesField().clean(text)

    assert found.context == {"hour": 10}
    assert found.resource["region"] == "north"
    assert str(found.resource["amount"]) == "1.50"
    assert found.resource["open"] is True
    assert found.resource["none"] is None
    assert found.resource["z"] == "1"
