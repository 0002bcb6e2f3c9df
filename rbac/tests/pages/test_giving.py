"""Giving roles and taking them back, from the pages of the admin site."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from auditlog.selectors import list_events, read_events
from rbac.models import Assignment, Role
from rbac.pages.until import Until, moment_of
from rbac.tests.factories import give_role

GIVE, GIVE_MANY = "/admin/rbac/give/", "/admin/rbac/give-many/"
TERMS = {"role": "finance", "until": "friday", "on": "", "reason": "helps out"}


def take_back_path(row):
    return reverse("take-role-back", args=[row.pk])


def person_path(user):
    return f"/admin/accounts/user/{user.pk}/change/"


def ids_of(*users):
    return ",".join(str(user.pk) for user in users)


@pytest.mark.parametrize(
    ("choice", "now", "on", "expected"),
    [
        ("friday", "2026-11-18 10:00", None, "2026-11-20 18:00"),
        ("friday", "2026-11-20 17:59", None, "2026-11-20 18:00"),
        ("friday", "2026-11-20 18:00", None, "2026-11-27 18:00"),
        ("friday", "2026-11-21 02:00", None, "2026-11-27 18:00"),
        ("week", "2026-12-28 09:30", None, "2027-01-04 09:30"),
        ("month", "2026-01-31 12:00", None, "2026-02-28 12:00"),
        ("month", "2026-12-05 12:00", None, "2027-01-05 12:00"),
        ("date", "2026-11-20 09:00", date(2026, 12, 31), "2027-01-01 00:00"),
        ("open", "2026-11-20 09:00", None, None),
    ],
)
def test_it_ends_when_the_words_say(choice, now, on, expected):
    def moment(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    end = moment_of(Until(choice), now=moment(now), on=on)

    assert end == (moment(expected) if expected else None)


def test_friday_is_the_organisations(settings):
    settings.CHATSEC_TIME_ZONE = "America/New_York"
    now = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)  # 17:30 in New York

    end = moment_of(Until.FRIDAY, now=now, on=None)

    assert end == datetime(2026, 11, 20, 23, 0, tzinfo=UTC)


def test_it_gives_a_role_until_friday_with_evidence(browser, admin, bob):
    response = browser(admin).post(GIVE, TERMS | {"user": "bob"}, follow=True)

    row = Assignment.objects.get(user=bob, role__name="finance")
    assert response.redirect_chain == [(person_path(bob), 302)]
    assert "Finance given to bob until Friday" in response.content.decode()
    assert (row.reason, row.granted_by) == ("helps out", admin)
    assert row.valid_until == moment_of(Until.FRIDAY, now=row.valid_from, on=None)
    given = list_events(event_type="rbac.role_assigned", actor_id=admin.pk)
    assert [event.details["role"] for event in read_events(given)] == ["finance"]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"user": "nobody"}, "user", "There is no such user."),
        ({"user": "bob\x00"}, "user", "Null characters are not allowed."),
        ({"role": "public"}, "role", "Select a valid choice."),
        ({"role": "sales_rep"}, "role", "The role is assigned already."),
        ({"reason": "  "}, "reason", "This field is required."),
        ({"until": "date"}, "on", "Say which day is the last."),
        ({"until": "date", "on": "2001-01-01"}, "on", "not after its start"),
        ({"until": "never"}, "until", "Select a valid choice."),
    ],
)
def test_it_shows_what_is_wrong_beside_the_field(  # noqa: PLR0917
    browser, admin, bob, change, field, message
):
    response = browser(admin).post(GIVE, TERMS | {"user": "bob"} | change)

    errors = response.context["form"].errors
    assert message in errors[field][0]
    assert Assignment.objects.filter(user=bob).count() == 1


def test_the_page_of_a_person_shows_roles_and_leads_to_giving(browser, admin, bob):
    row = bob.role_assignments.get()

    page = browser(admin).get(person_path(bob)).content.decode()

    assert f'href="{GIVE}?user=bob"' in page
    assert f'href="{take_back_path(row)}"' in page
    assert "Sales Rep" in page


def test_it_takes_a_role_back_with_a_reason(browser, admin, bob):
    row, client = give_role(bob, "finance"), browser(admin)

    unsaid = client.post(take_back_path(row), {"reason": ""})
    done = client.post(take_back_path(row), {"reason": "is back"}, follow=True)
    again = client.get(take_back_path(row))

    row.refresh_from_db()
    assert unsaid.context["form"].errors["reason"] == ["This field is required."]
    assert "Finance taken back from bob." in done.content.decode()
    assert (row.revoked_by, row.revoke_reason) == (admin, "is back")
    assert again.status_code == 404
    assert list_events(event_type="rbac.role_revoked").count() == 1


def test_it_says_beside_the_form_that_the_last_administrator_stays(browser, admin):
    row = admin.role_assignments.get()

    response = browser(admin).post(take_back_path(row), {"reason": "leaves"})

    assert "This is the last administrator." in response.content.decode()
    row.refresh_from_db()
    assert row.revoked_at is None


def test_the_list_of_people_leads_to_giving_many(browser, admin, bob, carol):
    response = browser(admin).post(
        "/admin/accounts/user/",
        {"action": "give_role", "_selected_action": [bob.pk, carol.pk]},
    )

    page = response.content.decode()
    assert "2 people chosen:" in page
    assert f'action="{GIVE_MANY}"' in page


def test_a_preview_of_many_saves_nothing(browser, admin, bob, dan):
    client = browser(admin)
    before = list_events().count()
    form = TERMS | {"users": ids_of(bob, dan), "preview": "Preview"}

    response = client.post(GIVE_MANY, form)

    outcome = response.context["outcome"]
    assert [row.user.username for row in outcome.given] == ["bob"]
    assert [one.user.username for one in outcome.refused] == ["dan"]
    assert "The role is assigned already." in response.content.decode()
    assert not Assignment.objects.filter(user=bob, role__name="finance").exists()
    assert list_events().count() == before


def test_it_gives_many_and_reports_who_could_not(browser, admin, bob, dan, erin):
    form = TERMS | {"users": ids_of(bob, dan, erin), "give": "Give"}

    page = browser(admin).post(GIVE_MANY, form, follow=True).content.decode()

    holders = Assignment.objects.filter(role__name="finance")
    assert set(holders.values_list("user__username", flat=True)) == {
        "bob",
        "dan",
        "erin",
    }
    assert "Finance given to 2: bob, erin." in page
    assert "Not given to dan: The role is assigned already." in page


@pytest.mark.parametrize(
    "users", ["", "x", "x,y", "00000000-0000-0000-0000-000000000000"]
)
def test_it_survives_bad_choices_of_people(browser, admin, users):
    response = browser(admin).post(GIVE_MANY, TERMS | {"users": users, "give": "1"})

    assert response.status_code in (200, 302)
    assert not Assignment.objects.filter(role__name="finance").exists()


def test_giving_to_many_is_refused_as_a_whole_without_a_period(browser, admin, bob):
    change = {"until": "date", "on": "2001-01-01", "users": ids_of(bob), "give": "1"}

    response = browser(admin).post(GIVE_MANY, TERMS | change)

    assert "not after its start" in response.context["form"].errors["on"][0]


def test_the_stock_form_to_add_leads_to_the_page(browser, admin):
    response = browser(admin).get("/admin/rbac/assignment/add/")

    assert response.headers["Location"] == GIVE


def test_the_offered_roles_leave_out_what_everybody_has(browser, admin):
    field = browser(admin).get(GIVE).context["form"].fields["role"]

    assert set(field.queryset) == set(Role.objects.exclude(name="public"))
