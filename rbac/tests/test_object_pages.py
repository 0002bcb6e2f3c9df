"""The admin page of who holds what on one object."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin as admin_site
from django.urls import reverse

from accounts.tests.factories import make_user
from rbac.models import Role, RoleGrant
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db
READ = "chat.view_knowledgecollection"


@pytest.fixture
def shelf():
    return apps.get_model("chat", "KnowledgeCollection").objects.create(name="Shelf")


@pytest.fixture
def page(shelf):
    label = "chat.knowledgecollection"
    return reverse("object-permissions", kwargs={"label": label, "pk": shelf.pk})


def body(**changes):
    given = {
        "action": "give",
        "permission": READ,
        "kind": "person",
        "to": "bob",
        "reason": "stands in for erin",
    }
    return given | changes


def test_an_administrator_gives_and_takes_back(page, browser, admin, bob, shelf):
    client = browser(admin)
    assert "Nobody." in client.get(page).content.decode()

    shown = client.post(page, body(), follow=True).content.decode()

    assert "Given to bob." in shown
    assert "action=take&amp;kind=person&amp;to=bob" in shown
    assert bob.has_perm(READ, shelf)
    client.post(page, body(action="take"))
    assert not bob.has_perm(READ, shelf)
    client.post(page, body(kind="role", to="sales_rep"))
    assert bob.has_perm(READ, shelf)


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "nobody"},
        {"kind": "role"},
        {"permission": "chat.delete_knowledgecollection"},
        {"reason": ""},
        {"action": "take"},
        {"to": "x\0"},
    ],
)
def test_what_is_wrong_is_said_and_nothing_given(page, browser, admin, bob, wrong):
    shelf = apps.get_model("chat", "KnowledgeCollection").objects.get(name="Shelf")

    answer = browser(admin).post(page, body(**wrong))

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not bob.has_perm(READ, shelf)


def test_it_is_closed_to_whoever_does_not_manage_roles(page, browser, bob, charlie):
    keeper = make_user("keeper", is_staff=True, totp=True)
    RoleGrant.objects.create(
        role=Role.objects.create(name="keeper"), code="manage_catalogue"
    )
    give_role(keeper, "keeper")

    assert browser(keeper).get(page).status_code == 403
    assert browser(keeper).post(page, body()).status_code == 403
    for person in (bob, charlie):
        assert browser(person).post(page, body()).status_code in (302, 403)


@pytest.mark.parametrize(
    "label", ["chat.conversation", "accounts.user", "no.such", "chat", "a.b.c"]
)
def test_other_kinds_of_objects_have_no_such_page(browser, admin, label):
    path = f"/admin/rbac/objects/{label}/{uuid4()}/"

    assert browser(admin).get(path).status_code == 404


def test_the_collection_links_to_it_and_the_seeded_ones_stay(
    page, browser, admin, shelf
):
    client = browser(admin)
    change = reverse("admin:chat_knowledgecollection_change", args=[shelf.pk])
    assert page in client.get(change).content.decode()

    model = type(shelf)
    for kept in model.objects.filter(name__in=["Internal", "Public answers"]):
        delete = reverse("admin:chat_knowledgecollection_delete", args=[kept.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 403
    assert model.objects.count() == 3
    assert model in admin_site.site._registry
