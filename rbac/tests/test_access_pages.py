""" "My roles" and the administrator's queue, in the browser."""

from __future__ import annotations

import pytest

from accounts.tests.factories import totp_code
from rbac.models import (
    AccessRequest,
    BreakGlassActivation,
    BreakGlassEligibility,
    Role,
    SodRule,
)
from rbac.services import check_permission
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role

WISH = {"role": "finance", "duration": 86_400, "reason": "quarterly report"}
EMERGENCY = {"emergency_role": "rescue", "emergency_reason": "the shop is down"}
QUEUE = "/admin/rbac/accessrequest/"
GLASS = "/admin/rbac/breakglassactivation/"


@pytest.fixture
def asked(browser, bob):
    browser(bob).post("/access/requests", WISH)
    return AccessRequest.objects.get()


def act(client, path, action, *rows, **fields):
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(path, data | fields, follow=True).content.decode()


def test_strangers_sign_in_first(client, db):
    for path in ("/access",):
        assert client.get(path).status_code == 302
    for path in ("/access/requests", "/access/break-glass"):
        assert client.post(path, WISH).status_code == 302


def test_it_shows_what_one_has_and_can_ask_for(browser, bob):
    page = browser(bob).get("/access").content.decode()

    assert "Sales Rep" in page
    assert '<option value="finance">' in page
    assert '<option value="sales_rep">' not in page
    assert "Break the glass" not in page


def test_a_role_is_asked_for_and_taken_back(browser, bob, charlie):
    client = browser(bob)

    sent = client.post("/access/requests", WISH, follow=True).content.decode()

    asked = AccessRequest.objects.get()
    assert "waiting" in sent
    assert client.post("/access/requests", WISH).status_code == 400
    browser(charlie).post(f"/access/requests/{asked.pk}/cancel")
    asked.refresh_from_db()
    assert asked.state == "open"
    client.post(f"/access/requests/{asked.pk}/cancel")
    asked.refresh_from_db()
    assert asked.state == "cancelled"


@pytest.mark.parametrize(
    "wrong",
    [{"role": "public"}, {"duration": 1}, {"reason": ""}, {"role": "admin\x00"}],
)
def test_it_says_what_is_wrong(browser, bob, wrong):
    answer = browser(bob).post("/access/requests", WISH | wrong)

    assert answer.status_code == 400
    assert 'class="error"' in answer.content.decode()
    assert not AccessRequest.objects.exists()


def test_an_administrator_approves_in_the_queue(browser, admin, bob, asked):
    client = browser(admin)
    assert "state--waiting" in client.get(QUEUE).content.decode()

    page = act(client, QUEUE, "approve", asked)

    assert "bob, finance: approved." in page.lower()
    assert check_permission(bob, "read_financial")
    assert "decided already" in act(client, QUEUE, "approve", asked)
    assert "approved" in browser(bob).get("/access").content.decode()


def test_denying_needs_a_reason(browser, admin, bob, asked):
    client = browser(admin)

    assert "A reason is needed." in act(client, QUEUE, "deny", asked)
    act(client, QUEUE, "deny", asked, reason="not in your team")

    assert "not in your team" in browser(bob).get("/access").content.decode()


def test_the_queue_is_for_administrators(browser, dan, asked):
    from accounts.models import User

    User.objects.filter(pk=dan.pk).update(is_staff=True)
    dan.refresh_from_db()

    for path in (QUEUE, GLASS, "/admin/rbac/sodrule/", "/admin/rbac/sodrule/add/"):
        assert browser(dan).get(path).status_code == 403
    assert browser(dan).post(QUEUE, {"action": "approve"}).status_code == 403


def test_who_only_looks_decides_nothing(browser, dan, asked):
    from accounts.models import User

    make_role("looks", "view_matrix")
    give_role(dan, "looks")
    User.objects.filter(pk=dan.pk).update(is_staff=True)
    dan.refresh_from_db()
    client = browser(dan)

    assert client.get(QUEUE).status_code == 200
    act(client, QUEUE, "approve", asked)

    asked.refresh_from_db()
    assert asked.state == "open"


def test_the_glass_is_broken_with_a_code_and_mended(browser, rescuer, admin):
    client = browser(rescuer)
    assert "Break the glass" in client.get("/access").content.decode()

    without = client.post("/access/break-glass", EMERGENCY)
    wrong = client.post("/access/break-glass", EMERGENCY | {"code": "12345"})
    assert (without.status_code, wrong.status_code) == (400, 400)
    assert not BreakGlassActivation.objects.exists()

    code = totp_code(rescuer)
    page = client.post("/access/break-glass", EMERGENCY | {"code": code}, follow=True)

    assert "EMERGENCY ROLE ACTIVE" in page.content.decode()
    assert check_permission(rescuer, "read_pii")
    assert "state--alarm" in browser(admin).get(GLASS).content.decode()
    made = BreakGlassActivation.objects.get()
    client.post(f"/access/break-glass/{made.pk}/end")
    assert not check_permission(rescuer, "read_pii")


def test_an_administrator_ends_emergencies_and_eligibility(browser, rescuer, admin):
    browser(rescuer, stepped_up=True).post("/access/break-glass", EMERGENCY)
    client, row = browser(admin), BreakGlassEligibility.objects.get()

    act(client, GLASS, "end", BreakGlassActivation.objects.get())
    act(client, "/admin/rbac/breakglasseligibility/", "end", row)

    assert not check_permission(rescuer, "read_pii")
    row.refresh_from_db()
    assert row.revoked_at is not None


def test_an_administrator_makes_people_eligible(browser, admin, bob):
    role = make_role("rescue", "read_pii", is_break_glass=True)
    form = {"user": bob.pk, "role": role.pk, "reason": "on call"}
    path = "/admin/rbac/breakglasseligibility/add/"

    made = browser(admin).post(path, form)
    own = browser(admin).post(path, form | {"user": admin.pk}, follow=True)

    assert made.status_code == 302, made.content
    assert "Somebody else must do this." in own.content.decode()
    assert BreakGlassEligibility.objects.get().user == bob


def test_an_administrator_keeps_roles_apart(browser, admin, bob):
    client = browser(admin)
    give_role(bob, "finance")
    names = ("finance", "sales_rep")
    one, other = (Role.objects.get(name=name).pk for name in names)
    form = {"role_a": one, "role_b": other, "reason": "four eyes"}

    made = client.post("/admin/rbac/sodrule/add/", form)

    assert made.status_code == 302, made.content
    page = client.get("/admin/rbac/sodrule/").content.decode()
    assert "1 person has both roles of a rule" in page
    assert "?q=bob" in page
    rule = SodRule.objects.get()
    client.post(f"/admin/rbac/sodrule/{rule.pk}/delete/", {"post": "yes"})
    assert not SodRule.objects.exists()


@pytest.mark.usefixtures("rescuer", "asked")
@pytest.mark.parametrize("path", [QUEUE, GLASS, "/admin/rbac/sodrule/"])
def test_lists_take_few_queries(browser, admin, path, django_assert_max_num_queries):
    client = browser(admin)
    client.get(path)

    with django_assert_max_num_queries(16):
        assert client.get(path).status_code == 200
