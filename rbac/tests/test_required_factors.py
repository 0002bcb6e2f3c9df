from dataclasses import replace
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient

from accounts.errors import FactorRequired
from accounts.models import AuthSession, TOTPFactor
from accounts.required_factors import WAY_IN, refusal_of_key
from accounts.services import enrolment, sessions
from accounts.services.factors import enrol_totp
from accounts.services.service_accounts import create_service_account
from accounts.tests.factories import (
    PASSWORD,
    access_token,
    make_session,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.race import of_kind, race
from chatsec.core.context import SYSTEM
from chatsec.core.errors import Conflict
from rbac.models import Role
from rbac.services import assign_role
from rbac.services.documents import read_document, write_document
from rbac.services.portability import current_document, import_policy
from rbac.services.required_factors import requires_factor
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db

NEEDED = "/account/second-factor"


@pytest.fixture
def zoe():
    """Somebody whose role needs a factor that she does not have."""
    zoe = make_user("zoe")
    give_role(zoe, "admin")
    return zoe


@pytest.fixture
def strict_finance():
    Role.objects.filter(name="finance").update(requires_factor=True)


def bearer(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(user)}")
    return client


def test_the_administrators_role_needs_one_and_others_do_not(zoe, erin, dan):
    assert requires_factor(zoe)
    assert not requires_factor(erin)
    assert not requires_factor(dan)


@pytest.mark.usefixtures("strict_finance")
def test_an_edited_role_needs_one_from_the_next_check_on(dan, erin):
    assert requires_factor(dan)
    assert not requires_factor(erin)

    Role.objects.filter(name="finance").update(requires_factor=False)

    assert not requires_factor(dan)


@pytest.mark.usefixtures("strict_finance")
def test_an_heir_needs_one_too(erin):
    from rbac.services.roles import RoleDefinition, create_role

    create_role(
        SYSTEM, definition=RoleDefinition(name="auditor", inherits=("finance",))
    )
    assign_role(SYSTEM, user=erin, role="auditor", reason="for the test")

    assert requires_factor(erin)


def test_it_travels_in_the_policy_document(dan):
    stored = current_document()
    roles = tuple(
        replace(role, requires_factor=True) if role.name == "finance" else role
        for role in stored.roles
    )
    wanted = read_document(write_document(replace(stored, roles=roles)))

    lines = import_policy(SYSTEM, document=wanted)

    assert "  ~ needs a second factor: True" in lines
    assert requires_factor(dan)
    import_policy(SYSTEM, document=stored)
    assert not requires_factor(dan)


def test_it_is_set_over_the_api_and_in_the_admin(api, browser, admin, dan):
    role = "/api/v1/rbac/roles/finance"

    changed = api(admin).patch(role, {"requires_factor": True})

    assert changed.json()["requires_factor"] is True
    assert requires_factor(dan)
    finance = Role.objects.get(name="finance")
    page = browser(admin).get(f"/admin/rbac/role/{finance.pk}/change/")
    assert b'name="requires_factor"' in page.content


def test_sign_in_leads_to_the_set_up_and_nowhere_else(zoe):
    client = Client()
    client.post("/sign-in", {"username": "zoe", "password": PASSWORD})

    for path in ("/", "/account", "/access", "/privacy", "/admin/", "/faq"):
        assert client.get(path)["Location"] == NEEDED, path
    assert b"Set up a passkey" in client.get(NEEDED).content


def every_route(patterns, prefix="", namespace=""):
    """Yield each route's path, with something in the place of its parameters."""
    for found in patterns:
        route = prefix + str(found.pattern)
        if isinstance(found, URLPattern):
            yield route, f"{namespace}{found.name}"
        else:
            inner = f"{namespace}{found.namespace}:" if found.namespace else namespace
            yield from every_route(found.url_patterns, route, inner)


def filled(route):
    import re

    route = re.sub(r"<uuid:[^>]*>", str(uuid4()), route)
    route = re.sub(r"<int:[^>]*>", "1", route)
    route = re.sub(r"<[^>]*>", "x", route)
    return "/" + route.replace("^", "").replace("$", "").replace(r"\Z", "")


def closed_routes():
    for route, name in every_route(get_resolver().url_patterns):
        if name not in WAY_IN and "(" not in route:
            yield filled(route)


def test_every_route_but_the_way_in_is_closed(zoe):
    client = sign_in_browser(Client(), zoe)
    program = bearer(zoe)
    paths = sorted(set(closed_routes()))
    assert len(paths) > 100

    for path in paths:
        answer = client.get(path)
        if answer.status_code == 404:
            continue  # made-up parameters led nowhere, so to no view
        if answer.status_code == 403:
            assert answer.json()["code"] == "factor_required", path
        else:
            assert (answer.status_code, answer["Location"]) == (302, NEEDED), path
    for path in ("/api/v1/me", "/api/v1/conversations", "/api/v1/audit/events"):
        refused = program.get(path)
        assert (refused.status_code, refused.json()["code"]) == (
            403,
            "factor_required",
        )


def test_a_write_is_refused_as_well(zoe):
    client = sign_in_browser(Client(), zoe)

    assert client.post("/api/v1/conversations", {}).status_code == 403
    assert client.post("/ask", {"text": "hello"}).status_code in (302, 404)
    assert bearer(zoe).post("/api/v1/conversations", {}).status_code == 403


def test_with_the_first_factor_everything_opens(zoe):
    client = sign_in_browser(Client(), zoe)
    client.post("/account/confirm", {"password": PASSWORD})
    client.post("/account/authenticator")

    client.post("/account/authenticator", {"code": totp_code(zoe)})

    assert client.get("/account").status_code == 200


def test_a_session_from_before_the_factor_confirms_first(zoe):
    client, program = sign_in_browser(Client(), zoe), bearer(zoe)
    TOTPFactor.objects.filter(id=enrol_totp(zoe).id).update(confirmed=True)

    assert client.get("/access")["Location"] == "/account/confirm?next=%2Faccess"
    refused = program.get("/api/v1/me")
    assert refused.json()["code"] == "step_up_required"
    assert refused.json()["methods"] == ["totp"]
    code = {"code": totp_code(zoe)}
    assert program.post("/api/v1/auth/step-up", code).status_code == 200
    assert program.get("/api/v1/me").status_code == 200


def test_a_role_that_is_given_later_asks_at_once(erin):
    client = sign_in_browser(Client(), erin)
    assert client.get("/account").status_code == 200

    give_role(erin, "admin")

    assert client.get("/account")["Location"] == NEEDED


def test_who_needs_none_costs_no_query(erin, django_assert_num_queries):
    client = sign_in_browser(Client(), erin)
    client.get("/account/second-factor")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        client.get("/account/second-factor")

    assert not [each for each in seen if "rbac_role" in each["sql"]]


def test_the_last_factor_of_who_needs_one_stays(zoe):
    TOTPFactor.objects.filter(id=enrol_totp(zoe).id).update(confirmed=True)
    session = make_session(zoe, stepped_up=True)

    with pytest.raises(Conflict, match="needs a second factor"):
        enrolment.remove_factor(session, TOTPFactor.objects.get().handle)

    assert TOTPFactor.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_factors_removed_at_once_one_stays():
    zoe = make_user("zoe")
    give_role(zoe, "admin")
    for name in ("phone", "tablet"):
        factor = enrol_totp(zoe, name=name)
        TOTPFactor.objects.filter(id=factor.id).update(confirmed=True)
    session = make_session(zoe)
    sessions.record_step_up(session)
    handles = list(TOTPFactor.objects.values_list("handle", flat=True))

    def remove():
        handle = handles.pop()
        enrolment.remove_factor(AuthSession.objects.get(id=session.id), handle)

    results = race(2, remove)

    assert of_kind(results, Conflict) == 1
    assert TOTPFactor.objects.count() == 1


def test_a_sign_in_that_waits_for_its_code_is_nobody(carol):
    waiting, nobody = Client(), Client()
    waiting.post("/sign-in", {"username": "carol", "password": PASSWORD})
    assert waiting.get("/sign-in/code").status_code == 200

    for path in sorted({"/", "/account", *closed_routes()}):
        seen, expected = waiting.get(path), nobody.get(path)
        assert (seen.status_code, seen.headers.get("Location")) == (
            expected.status_code,
            expected.headers.get("Location"),
        ), path


@pytest.fixture
def for_everybody(settings):
    settings.CHATSEC_REQUIRE_SECOND_FACTOR = True


def test_an_installation_can_ask_everybody(for_everybody, erin):
    """ASVS 6.3.3: whatever the role, a password alone reaches the set-up only."""
    client, program = Client(), bearer(erin)
    client.post("/sign-in", {"username": "erin", "password": PASSWORD})

    for path in ("/", "/account", "/access", "/privacy"):
        assert client.get(path)["Location"] == NEEDED, path
    refused = program.get("/api/v1/me")
    assert (refused.status_code, refused.json()["code"]) == (403, "factor_required")
    client.post("/account/confirm", {"password": PASSWORD})
    client.post("/account/authenticator")
    client.post("/account/authenticator", {"code": totp_code(erin)})

    assert client.get("/account").status_code == 200


def test_then_nobody_removes_the_last_one(for_everybody, dan):
    session = make_session(dan, stepped_up=True)

    with pytest.raises(Conflict, match="needs a second factor"):
        enrolment.remove_factor(session, TOTPFactor.objects.get().handle)


def test_then_a_persons_key_needs_its_owners_factor_and_a_programs_does_not(
    for_everybody, erin, dan
):
    program = create_service_account("reports", purpose="Reports", responsible=dan).user

    assert isinstance(refusal_of_key(erin), FactorRequired)
    assert refusal_of_key(dan) is None
    assert refusal_of_key(program) is None
