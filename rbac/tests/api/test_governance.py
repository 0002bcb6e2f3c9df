"""Requests for roles and emergencies over the API."""

from __future__ import annotations

from uuid import uuid4

import pytest

from rbac.models import AccessRequest, BreakGlassActivation, Role
from rbac.services import check_permission
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role

REQUESTS, GLASS = "/api/v1/rbac/requests", "/api/v1/rbac/break-glass"
WISH = {"role": "finance", "reason": "quarterly report", "duration_seconds": 86_400}
EMERGENCY = {"role": "rescue", "reason": "the shop is down"}


@pytest.fixture
def asked(api, bob):
    return api(bob).post(REQUESTS, WISH).json()["id"]


def test_a_role_is_asked_for_and_given(api, admin, bob):
    made = api(bob).post(REQUESTS, WISH)
    path = f"{REQUESTS}/{made.json()['id']}/approve"
    decided = api(admin).post(path, {"reason": "go ahead"})

    assert made.status_code == 201, made.content
    assert made.json()["state"] == "open"
    assert decided.status_code == 200, decided.content
    assert decided.json()["state"] == "approved"
    assert decided.json()["decided_by"] == "admin"
    assert decided.json()["valid_until"]
    assert check_permission(bob, "read_financial")


def test_it_is_denied_with_a_reason_or_taken_back(api, admin, bob, asked):
    without = api(admin).post(f"{REQUESTS}/{asked}/deny", {})
    denied = api(admin).post(f"{REQUESTS}/{asked}/deny", {"reason": "not needed"})
    again = api(bob).post(REQUESTS, WISH).json()["id"]
    cancelled = api(bob).post(f"{REQUESTS}/{again}/cancel")

    assert without.status_code == 400
    assert (denied.status_code, denied.json()["decision_reason"]) == (200, "not needed")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")


@pytest.mark.parametrize("act", ["approve", "deny", "cancel"])
def test_a_stranger_decides_nothing(api, charlie, asked, act):
    path = f"{REQUESTS}/{asked}/{act}"
    anonymous = api().post(path, {"reason": "x"})
    stranger = api(charlie).post(path, {"reason": "x"})

    assert anonymous.status_code == 401
    assert stranger.status_code == (404 if act == "cancel" else 403)
    assert stranger["Content-Type"].startswith("application/problem+json")
    assert AccessRequest.objects.get(pk=asked).state == "open"


def test_everybody_sees_his_own_only(api, admin, bob, charlie, asked):
    def listed(user):
        return [row["id"] for row in api(user).get(REQUESTS).json()["results"]]

    assert listed(bob) == listed(admin) == [asked]
    assert listed(charlie) == []
    assert api().get(REQUESTS).status_code == 401


def test_lists_take_few_queries(api, admin, bob, django_assert_max_num_queries):
    for number in range(5):
        make_role(f"role_{number}")
        api(bob).post(REQUESTS, WISH | {"role": f"role_{number}"})
    client = api(admin)
    client.get(REQUESTS)

    with django_assert_max_num_queries(9):
        assert len(client.get(REQUESTS).json()["results"]) == 5


def test_the_requester_approves_nothing_from_a_second_session(api, dan):
    give_role(dan, "admin")
    made = api(dan).post(REQUESTS, WISH | {"role": "hr_specialist"}).json()["id"]

    answer = api(dan, stepped_up=True).post(f"{REQUESTS}/{made}/approve")

    assert (answer.status_code, answer.json()["code"]) == (403, "own_request")


def test_approving_needs_a_session_with_a_second_factor(api, bob, asked, erin):
    give_role(erin, "admin")
    Role.objects.update(requires_factor=False)  # or she would not get this far

    answer = api(erin).post(f"{REQUESTS}/{asked}/approve")

    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")


def test_more_fields_than_asked_for_do_nothing(api, bob, alice):
    made = api(bob).post(
        REQUESTS,
        WISH
        | {
            "state": "approved",
            "requester": "alice",
            "decided_by": str(alice.id),
            "assignment": str(uuid4()),
            "expires_at": "2099-01-01T00:00:00Z",
        },
    )

    row = AccessRequest.objects.get(pk=made.json()["id"])
    assert (row.requester, row.state, row.assignment) == (bob, "open", None)
    assert row.expires_at.year < 2099


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_seconds": 1},
        {"duration_seconds": "long"},
        {"duration_seconds": 10**12},
        {"reason": ""},
        {"role": ["finance"]},
        {"role": "x" * 64},
    ],
)
def test_it_refuses_bad_wishes(api, bob, wrong):
    answer = api(bob).post(REQUESTS, WISH | wrong)

    assert answer.status_code == 400
    assert answer.json()["errors"]


@pytest.mark.parametrize(("role", "status"), [("nothing", 404), ("sales_rep", 409)])
def test_it_refuses_roles_that_cannot_be_asked_for(api, bob, role, status):
    assert api(bob).post(REQUESTS, WISH | {"role": role}).status_code == status


@pytest.mark.parametrize("act", ["approve", "deny", "cancel"])
def test_there_is_no_request_of_that_id(api, admin, act):
    path = f"{REQUESTS}/{uuid4()}/{act}"

    assert api(admin).post(path, {"reason": "x"}).status_code == 404
    assert api(admin).get(path).status_code == 405


def test_the_glass_is_broken_and_mended(api, rescuer):
    client = api(rescuer, stepped_up=True)

    made = client.post(GLASS, EMERGENCY)

    assert made.status_code == 201, made.content
    assert check_permission(rescuer, "read_pii")
    assert client.post(GLASS, EMERGENCY).json()["code"] == "already_active"
    listed = client.get(GLASS).json()["results"]
    assert [row["id"] for row in listed] == [made.json()["id"]]
    assert client.delete(f"{GLASS}/{made.json()['id']}").status_code == 204
    assert not check_permission(rescuer, "read_pii")
    assert client.post(GLASS, EMERGENCY).json()["code"] == "new_reason_needed"


def test_it_needs_a_fresh_factor(api, rescuer):
    answer = api(rescuer).post(GLASS, EMERGENCY)

    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")
    assert not BreakGlassActivation.objects.exists()


def test_strangers_neither_see_nor_end_emergencies(api, rescuer, charlie, carol):
    made = api(rescuer, stepped_up=True).post(GLASS, EMERGENCY).json()["id"]

    for user in (charlie, carol):
        client = api(user, stepped_up=True)
        assert client.get(GLASS).json()["results"] == []
        assert client.post(GLASS, EMERGENCY).status_code == 404
        assert client.delete(f"{GLASS}/{made}").status_code == 404
    assert api().delete(f"{GLASS}/{made}").status_code == 401
    assert check_permission(rescuer, "read_pii")


def test_a_role_is_flagged_over_the_api(api, admin):
    client = api(admin)
    made = client.post("/api/v1/rbac/roles", {"name": "aid", "is_break_glass": True})
    kept = client.patch("/api/v1/rbac/roles/aid", {"label": "Aid"})
    given = client.post(
        "/api/v1/rbac/assignments", {"user": "admin", "role": "aid", "reason": "x"}
    )

    assert made.json()["is_break_glass"] is kept.json()["is_break_glass"] is True
    assert given.status_code == 403
