"""Scopes: keys and connected apps reach less than their person, never more."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from chatsec.core.api import ANY_CALLER, SIGNED_IN, ApiView
from chatsec.core.context import (
    ANONYMOUS,
    SYSTEM,
    Actor,
    ActorKind,
    Channel,
    set_actor,
)
from chatsec.core.errors import Denied
from rbac.api.permissions import RequiredPermission
from rbac.constants import ADMINISTRATIVE_CODES
from rbac.selectors import list_codes
from rbac.services import (
    as_actor,
    check_permission,
    data_scope,
    decide,
    effective_permissions,
    grant_object,
    objects_for,
    objects_given,
)
from rbac.services.delegation import grants_held, grants_held_until
from rbac.services.object_reads import (
    data_scope_where_given,
    decide_where_given,
    is_permission_denied,
    was_given,
)
from rbac.services.roles import GrantDefinition, RoleDefinition, create_role
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db
READ = "chat.view_knowledgecollection"


def signed_in(user):
    return Actor(kind=ActorKind.USER, person=user, amr=("pwd", "mfa"))


def by_key(user, *scopes, kind=ActorKind.USER):
    return Actor(
        kind=kind, person=user, amr=("key",), scopes=scopes, channel=Channel.API
    )


def test_it_denies_what_is_outside_of_the_scope_and_says_so(alice):
    actor = by_key(alice, "read_sales_aggregate")

    decision = decide(actor, "read_sales")

    assert decision.outcome == "deny"
    assert decision.reasons[0].kind == "outside_scope"
    assert decision.reason == "read_sales is outside of the scope"
    assert decide(signed_in(alice), "read_sales").is_allowed


@pytest.mark.parametrize("code", ["read_sales", "rbac.read_sales"])
def test_it_allows_what_role_and_scope_both_allow(alice, code):
    actor = by_key(alice, "read_sales")

    assert decide(actor, code).is_allowed
    assert check_permission(actor, code)
    assert effective_permissions(actor) == ("read_sales",)
    assert not data_scope(actor, code).is_empty


def test_it_shows_no_rows_outside_of_the_scope(alice):
    assert data_scope(by_key(alice, "read_public_faq"), "read_sales").is_empty


def test_an_empty_scope_holds_nothing_not_even_what_is_public(alice):
    actor = by_key(alice)

    assert effective_permissions(actor) == ()
    assert not decide(actor, "read_public_faq").is_allowed
    assert decide(ANONYMOUS, "read_public_faq").is_allowed


def test_a_scope_gives_nothing_that_no_role_gives(erin):
    actor = by_key(erin, "read_employee_salary", "read_financial_reports")

    assert effective_permissions(actor) == ()
    assert decide(actor, "read_employee_salary").reasons[0].kind != "outside_scope"


@pytest.mark.parametrize("code", ["read_*", "*", "chat", "read_sale", "READ_SALES", ""])
def test_a_scope_is_a_whole_code_never_a_pattern(alice, code):
    assert not decide(by_key(alice, code), "read_sales").is_allowed


@pytest.mark.parametrize("kind", [ActorKind.USER, ActorKind.SERVICE])
def test_it_never_lends_administration_to_a_key(admin, kind):
    actor = by_key(admin, *ADMINISTRATIVE_CODES, kind=kind)

    assert not any(check_permission(actor, code) for code in ADMINISTRATIVE_CODES)
    assert not any(decide(actor, code).is_allowed for code in ADMINISTRATIVE_CODES)
    assert effective_permissions(actor) == ()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_narrower_scope_never_allows_more(alice, data):
    codes = sorted(list_codes())
    wide = data.draw(st.sets(st.sampled_from(codes)))
    narrow = data.draw(st.sets(st.sampled_from(sorted(wide)))) if wide else set()

    held = set(effective_permissions(signed_in(alice)))
    with_wide = set(effective_permissions(by_key(alice, *wide)))
    with_narrow = set(effective_permissions(by_key(alice, *narrow)))

    assert with_narrow <= with_wide <= held
    assert with_wide == (held & wide) - ADMINISTRATIVE_CODES


def test_a_copy_of_the_person_reaches_no_further_than_the_key_in_use(alice):
    set_actor(by_key(alice, "read_public_faq"))

    copy = User.objects.get(id=alice.id)

    assert as_actor(copy).scopes == ("read_public_faq",)
    assert not copy.has_perm("rbac.read_sales")
    assert not alice.has_perm("rbac.read_sales")


def test_another_person_is_not_bound_by_the_scope_in_use(alice, bob):
    set_actor(by_key(alice, "read_public_faq"))

    assert as_actor(bob).scopes is None


def test_a_closed_account_has_nothing_whatever_the_scope(alice):
    alice.is_active = False

    assert decide(by_key(alice, "read_sales"), "read_sales").reasons[0].kind == (
        "inactive"
    )


@pytest.mark.parametrize("kind", [ActorKind.USER, ActorKind.SERVICE])
def test_what_needs_a_fresh_factor_is_denied_to_a_key(erin, kind):
    line = GrantDefinition(permission="read_sales", requires_step_up=True)
    create_role(SYSTEM, definition=RoleDefinition(name="guarded", grants=(line,)))
    give_role(erin, "guarded")

    asked = decide(signed_in(erin), "read_sales")
    refused = decide(by_key(erin, "read_sales", kind=kind), "read_sales")

    assert asked.outcome == "step_up"
    assert refused.outcome == "deny"
    assert [reason.kind for reason in refused.reasons] == [
        "step_up_not_possible",
        "step_up_needed",
    ]


@pytest.fixture
def shelf(db):
    from django.apps import apps

    return apps.get_model("chat", "KnowledgeCollection").objects.create(name="Shelf")


def test_objects_that_were_given_stay_closed_outside_of_the_scope(erin, shelf):
    grant_object(SYSTEM, obj=shelf, permission=READ, to=erin, reason="for the test")
    rows, actor = type(shelf).objects.order_by(), by_key(erin, "read_public_faq")

    assert list(objects_for(signed_in(erin), READ, rows)) == [shelf]
    assert list(objects_for(actor, READ, rows)) == []
    assert list(objects_given(actor, READ, rows)) == []
    assert was_given(signed_in(erin), READ, shelf)
    assert not was_given(actor, READ, shelf)
    assert list(objects_for(by_key(erin, READ), READ, rows)) == [shelf]
    set_actor(actor)
    assert not erin.has_perm(READ, shelf)


def test_what_is_given_on_an_object_stands_for_no_code_outside_of_the_scope(erin):
    actor = by_key(erin, "read_public_faq")

    assert decide_where_given(signed_in(erin), "read_sales").is_allowed
    assert not decide_where_given(actor, "read_sales").is_allowed
    assert not data_scope_where_given(signed_in(erin), "read_sales").is_empty
    assert data_scope_where_given(actor, "read_sales").is_empty
    assert is_permission_denied(actor, "read_sales")


def test_a_key_has_nothing_to_give_on(admin):
    actor = by_key(admin, "read_sales")

    assert grants_held(actor) == ()
    assert grants_held_until(actor, None) == ()


class View:
    def __init__(self, permission):
        self.required_permission = permission


class Asked:
    method = "GET"

    def __init__(self, actor):
        self.actor, self.user = actor, actor.person


def test_views_of_the_person_himself_are_closed_to_keys(alice):
    guard, person = RequiredPermission(), signed_in(alice)
    actor = by_key(alice, "read_sales")

    with pytest.raises(Denied) as refused:
        guard.has_permission(Asked(actor), View(SIGNED_IN))

    assert refused.value.code == "outside_scope"
    assert guard.has_permission(Asked(actor), View(ANY_CALLER))
    assert guard.has_permission(Asked(person), View(SIGNED_IN))
    assert guard.has_permission(Asked(actor), View("read_sales"))
    with pytest.raises(Denied):
        guard.has_permission(Asked(actor), View("read_public_faq"))


def test_views_open_to_keys_are_closed_to_nobody_and_to_closed_accounts(alice):
    guard = RequiredPermission()
    alice.is_active = False

    assert not guard.has_permission(Asked(by_key(alice)), View(ANY_CALLER))
    assert not guard.has_permission(Asked(replace(ANONYMOUS)), View(ANY_CALLER))


def by_app(user, *scopes):
    return Actor(
        kind=ActorKind.USER,
        person=user,
        session_id=uuid4(),
        amr=("pwd",),
        scopes=scopes,
    )


def test_an_app_for_the_chat_may_ask_what_its_person_may(alice, bob):
    for person in (alice, bob):
        actor = by_app(person, "chat")
        expected = set(effective_permissions(as_actor(person)))
        assert set(effective_permissions(actor)) == expected - ADMINISTRATIVE_CODES


def test_an_app_for_the_chat_administers_nothing(admin):
    actor = by_app(admin, "chat", "openid", *ADMINISTRATIVE_CODES)

    for code in ADMINISTRATIVE_CODES:
        assert decide(actor, code).outcome == "deny"
        assert not check_permission(actor, code)


def test_an_app_is_never_asked_for_a_factor(carol):
    actor = by_app(carol, "chat")

    assert actor.is_connected_app
    assert not actor.can_step_up


@pytest.mark.parametrize("scopes", [("openid",), ("openid", "profile"), ()])
def test_a_route_for_any_caller_asks_an_app_for_its_scope(alice, rf, scopes):
    class Chat(ApiView):
        required_permission = ANY_CALLER

    request = rf.get("/")
    request.user, request.actor = alice, by_app(alice, *scopes)

    with pytest.raises(Denied) as refused:
        RequiredPermission().has_permission(request, Chat())

    assert refused.value.code == "outside_scope"
