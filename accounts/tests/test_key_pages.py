"""Keys on pages: one's own, and those of programs in the admin site."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, ServiceAccount, User
from accounts.selectors import find_api_key
from accounts.services.service_accounts import create_service_account
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.keys import made_for, with_key

pytestmark = pytest.mark.django_db
MINE, NEW = "/account/api-keys", "/account/api-keys/new"
SERVICES, ALL_KEYS = "/admin/accounts/serviceaccount/", "/admin/accounts/apikey/"
KEY = re.compile(r"csk_[0-9A-Za-z]{47}")
GIVEN = {
    "name": "report",
    "scopes": ["read_sales"],
    "days": "30",
    "messages_per_minute": "10",
    "networks": "192.0.2.0/24\n2001:db8::/32",
}


@pytest.fixture
def confirmed(browser, alice):
    client = browser(alice)
    client.post("/account/confirm", {"password": PASSWORD})
    return client


def test_a_key_is_made_on_the_page_and_shown_once(confirmed):
    made = confirmed.post(NEW, GIVEN)
    listed = confirmed.get(MINE).content.decode()

    (text,) = set(KEY.findall(made.content.decode()))
    assert (
        made["Cache-Control"].startswith("no-store")
        or "no-store" in (made["Cache-Control"])
    )
    assert find_api_key(text).networks == ["192.0.2.0/24", "2001:db8::/32"]
    assert not KEY.search(listed)
    assert text[:12] in listed
    assert "report" in listed


def test_the_page_wants_fresh_proof(browser, alice):
    client = browser(alice)

    for answer in (client.get(NEW), client.post(NEW, GIVEN)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/confirm?next=")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "required"),
        ("scopes", ["manage_users"], "not one of the available choices"),
        ("scopes", [], "at least one"),
        ("days", "366", "365"),
        ("days", "x", "whole number"),
        ("networks", "everywhere", "not a network"),
        ("networks", "192.0.2.1/24", "not a network"),
        ("messages_per_minute", "601", "600"),
        ("name", "x\x00y", "Null characters"),
    ],
)
def test_it_says_what_is_wrong_beside_the_field(confirmed, field, value, words):
    answer = confirmed.post(NEW, {**GIVEN, field: value})

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_only_what_the_person_holds_is_on_offer(confirmed, browser):
    nobody = make_user("fay")
    client = browser(nobody)
    client.post("/account/confirm", {"password": PASSWORD})

    hers = confirmed.get(NEW).content.decode()
    his = client.get(NEW).content.decode()

    assert 'value="read_sales"' in hers
    assert 'value="manage_users"' not in hers
    assert 'value="read_sales"' not in his


def test_a_key_is_revoked_on_the_page_by_its_owner_only(confirmed, browser, alice, bob):
    made = made_for(alice)
    path = f"{MINE}/{made.key.id}/revoke"

    assert Client().post(path).status_code == 302
    assert browser(bob).post(path).status_code == 302
    assert browser(bob).get(path).status_code == 405
    assert with_key(made.text).get("/api/v1/me").status_code == 200
    answer = confirmed.post(path, follow=True)

    assert "The key is revoked." in answer.content.decode()
    assert with_key(made.text).get("/api/v1/me").status_code == 401
    again = confirmed.post(path, follow=True).content.decode()
    assert "does not work any more already" in again


def test_my_security_leads_there(confirmed):
    assert MINE in confirmed.get("/account").content.decode()


@pytest.fixture
def importer(admin):
    return create_service_account("importer", purpose="Imports", responsible=admin)


def test_pages_of_programs_are_for_administrators(importer, browser, office):
    new = f"{SERVICES}{importer.pk}/new-key/"
    for path in (SERVICES, f"{SERVICES}add/", ALL_KEYS, new):
        assert office.get(path).status_code == 200, path
        assert Client().get(path).status_code == 302
        assert browser(make_user(f"p{len(path)}")).get(path).status_code == 302
    verified = browser(make_user("staff", is_staff=True, totp=True), stepped_up=True)
    assert verified.get(SERVICES).status_code == 403
    assert verified.get(new).status_code == 403
    assert verified.post(new, GIVEN).status_code == 403


def test_a_program_is_made_changed_and_closed(office, admin):
    given = {"username": "Loader", "purpose": "Loads", "responsible": str(admin.pk)}
    answer = office.post(f"{SERVICES}add/", given, follow=True)
    assert answer.status_code == 200, answer.content
    account = ServiceAccount.objects.get(user__username="loader")

    path = f"{SERVICES}{account.pk}/change/"
    changed = {**given, "expected_queries_per_day": "9000", "is_active": "on"}
    office.post(path, changed)
    account.refresh_from_db()
    assert account.expected_queries_per_day == 9000
    assert User.objects.get(username="loader").is_active

    del changed["is_active"]
    office.post(path, changed)
    assert not User.objects.get(username="loader").is_active
    assert office.get(path).status_code == 200
    assert office.post(f"{SERVICES}{account.pk}/delete/").status_code == 403


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"username": "importer"}, "Somebody has this name"),
        ({"username": "no spaces"}, "username: A user name has letters"),
        ({"purpose": ""}, "required"),
        ({"responsible": ""}, "required"),
        ({"expected_queries_per_day": "0"}, "greater than or equal to 1"),
    ],
)
def test_the_form_says_what_is_wrong(office, admin, importer, change, words):
    given = {"username": "loader", "purpose": "Loads", "responsible": str(admin.pk)}

    answer = office.post(f"{SERVICES}add/", {**given, **change}, follow=True)

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert ServiceAccount.objects.count() == 1


def test_a_programs_key_is_made_once_and_listed(office, importer):
    path = f"{SERVICES}{importer.pk}/new-key/"
    given = {**GIVEN, "scopes": ["read_public_faq"]}

    refused = office.post(path, GIVEN).content.decode()
    made = office.post(path, given).content.decode()
    page = office.get(f"{SERVICES}{importer.pk}/change/").content.decode()

    assert not KEY.search(refused)
    (text,) = set(KEY.findall(made))
    assert find_api_key(text).user == importer.user
    assert not KEY.search(page)
    assert text[:12] in page


def test_it_wants_fresh_proof_of_the_administrator(browser, admin, importer):
    client = browser(admin)
    path = f"{SERVICES}{importer.pk}/new-key/"

    answer = client.post(path, {**GIVEN, "scopes": ["read_public_faq"]})

    assert answer.status_code == 302
    assert "/account/confirm" in answer["Location"]
    assert not ApiKey.objects.exists()


def test_an_administrator_revokes_anybodys_key(office, alice):
    made = made_for(alice)
    chosen = {"action": "revoke_keys", "_selected_action": [str(made.key.pk)]}

    page = office.get(f"{ALL_KEYS}{made.key.pk}/change/").content.decode()
    office.post(ALL_KEYS, chosen)

    assert made.text[12:] not in page
    assert with_key(made.text).get("/api/v1/me").status_code == 401
    assert ApiKey.objects.get().revoked_because == "revoked_by_admin"


def test_lists_cost_the_same_however_long(office, alice, admin):
    def queries(path):
        office.get(path)
        with CaptureQueriesContext(connection) as caught:
            assert office.get(path).status_code == 200
        return len(caught)

    made_for(alice)
    create_service_account("one", purpose="One", responsible=admin)
    few = [queries(path) for path in (ALL_KEYS, SERVICES)]
    for number in range(4):
        made_for(alice)
        create_service_account(f"more-{number}", purpose="More", responsible=admin)

    assert [queries(path) for path in (ALL_KEYS, SERVICES)] == few
