"""Notices and devices in the admin site."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Notice
from accounts.notices import API_KEY_MADE
from accounts.services import notices, sessions

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(browser, admin):
    """Nothing here asks an administrator for fresh proof."""
    return browser(admin)


def test_it_shows_what_was_mailed_and_not_what_it_said(office, alice):
    notices.notify(alice, API_KEY_MADE, facts={"name": "canary-key"})
    notices.deliver_due()
    notice = Notice.objects.get(user=alice)

    listed = office.get("/admin/accounts/notice/?q=ali").content.decode()
    shown = office.get(f"/admin/accounts/notice/{notice.id}/change/")

    assert "An API key was made" in listed
    assert shown.status_code == 200
    assert "canary-key" not in listed + shown.content.decode()


def test_notices_are_not_changed_by_hand(office, alice):
    notices.notify(alice, API_KEY_MADE)
    path = f"/admin/accounts/notice/{Notice.objects.get(user=alice).id}"

    assert office.get("/admin/accounts/notice/add/").status_code == 403
    assert office.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    assert office.post(f"{path}/change/", {}).status_code == 403


def test_the_list_costs_the_same_however_many(office, alice, bob):
    def cost():
        with CaptureQueriesContext(connection) as seen:
            office.get("/admin/accounts/notice/")
        return len(seen)

    notices.notify(alice, API_KEY_MADE)
    cost()  # the first page of a process fills caches
    few = cost()
    for user in (alice, bob) * 3:
        notices.notify(user, API_KEY_MADE)
    assert cost() == few


def test_a_connected_app_is_shown_with_its_scopes(office, alice):
    grant = sessions.start_session(
        alice, kind="oauth", amr=("pwd",), scopes=("read_sales",), client_name="Voice"
    )

    listed = office.get("/admin/accounts/authsession/").content.decode()
    shown = office.get(f"/admin/accounts/authsession/{grant.id}/change/")

    assert "Voice" in listed
    assert "read_sales" in shown.content.decode()
