"""The effect of an edit is shown before it is saved, and saved from there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from auditlog.selectors import list_events
from chatsec.core.context import SYSTEM
from rbac.models import Assignment, PolicyStamp, Role, UserStamp
from rbac.services.roles import (
    GrantDefinition,
    RoleDefinition,
    create_role,
    definition_of,
)
from rbac.services.what_if import preview_role
from rbac.tests.factories import give_role


@pytest.fixture
def auditor(db):
    """A role that may read the audit log."""
    line = GrantDefinition("view_audit")
    return create_role(SYSTEM, definition=RoleDefinition("auditor", grants=(line,)))


def edit_path(role):
    return f"/admin/rbac/role/{role.pk}/change/"


def edit_form(role, *codes, **extra):
    """Return the form of the role with its first grant changed and more after it."""
    kept = role.grants.get()
    data = {
        "label": role.label,
        "description": "",
        "parent_links-TOTAL_FORMS": 0,
        "parent_links-INITIAL_FORMS": 0,
        "grants-TOTAL_FORMS": len(codes),
        "grants-INITIAL_FORMS": 1,
        "grants-0-id": kept.pk,
        "grants-0-role": role.pk,
    }
    for number, code in enumerate(codes):
        line = {"code": code, "effect": "allow", "condition": "", "row_filter": ""}
        data |= {f"grants-{number}-{name}": value for name, value in line.items()}
    return data | extra


def test_a_preview_shows_who_gains_and_loses_and_saves_nothing(
    browser, admin, bob, carol, auditor
):
    give_role(bob, "auditor")
    client = browser(admin)
    events, stamp = list_events().count(), PolicyStamp.objects.get().revision
    stamps = set(UserStamp.objects.values_list("user_id", "revision"))
    before = definition_of(auditor)

    form = edit_form(auditor, "read_pii", _preview="Show the effect")
    response = client.post(edit_path(auditor), form)

    effect = response.context["effect"]
    assert [(c.kind, c.code, c.people) for c in effect.changes] == [
        ("gains", "read_pii", ("bob",)),
        ("loses", "view_audit", ("bob",)),
    ]
    page = response.content.decode()
    assert "Nothing is saved yet." in page
    assert 'value="read_pii"' in page
    assert "errornote" not in page
    assert definition_of(Role.objects.get(name="auditor")) == before
    assert list_events().count() == events
    assert PolicyStamp.objects.get().revision == stamp
    assert set(UserStamp.objects.values_list("user_id", "revision")) == stamps
    assert bob.has_perm("rbac.view_audit")
    assert not bob.has_perm("rbac.read_pii")


def test_it_is_saved_from_the_preview(browser, admin, bob, auditor):
    give_role(bob, "auditor")
    client = browser(admin)
    client.post(edit_path(auditor), edit_form(auditor, "read_pii", _preview="1"))

    response = client.post(
        edit_path(auditor), edit_form(auditor, "read_pii", _save="1")
    )

    assert response.status_code == 302
    assert bob.has_perm("rbac.read_pii")
    assert list_events(event_type="rbac.role_changed").count() == 1


@pytest.mark.parametrize("button", ["_preview", "_save"])
def test_a_refusal_keeps_what_was_typed_and_names_the_grant(
    browser, admin, auditor, button
):
    form = edit_form(auditor, "view_audit", "no_such_code", **{button: "1"})

    response = browser(admin).post(edit_path(auditor), form)

    page = response.content.decode()
    assert response.status_code == 200
    assert "Grant 2: There is no permission no_such_code." in page
    assert 'value="no_such_code"' in page
    assert response.context.get("effect") is None
    assert auditor.grants.get().code == "view_audit"


def test_a_preview_tells_heirs_and_counts_each_person_once(
    browser, admin, alice, bob, erin
):
    employee = Role.objects.get(name="employee")
    definition = RoleDefinition(
        "employee", grants=(GrantDefinition("read_company_directory"),)
    )

    effect = preview_role(SYSTEM, definition=definition, role=employee)

    assert effect.holders == 3
    assert set(effect.heirs) == {
        "sales_rep",
        "sales_manager",
        "hr_specialist",
        "finance",
    }
    # `public` still lets everybody read the questions and answers.
    assert [(c.kind, c.code, c.count) for c in effect.changes] == [
        ("loses", "read_own_data", 3)
    ]


def test_ended_coming_and_closed_holders_are_not_affected(admin, bob, carol, auditor):
    give_role(bob, "auditor", valid_from=timezone.now() + timedelta(days=1))
    give_role(carol, "auditor")
    type(carol).objects.filter(pk=carol.pk).update(is_active=False)

    effect = preview_role(SYSTEM, definition=RoleDefinition("auditor"), role=auditor)

    assert (effect.holders, effect.changes) == (0, ())
    assert [c.code for c in effect.role_changes] == ["view_audit"]


def test_an_edit_of_the_public_role_concerns_everybody(admin, erin):
    public = Role.objects.get(name="public")

    effect = preview_role(SYSTEM, definition=RoleDefinition("public"), role=public)

    changed = {change.code: change.people for change in effect.changes}
    assert changed == {"read_public_docs": ("erin",)}


def test_a_preview_of_ten_thousand_holders_takes_few_queries(
    admin, auditor, django_assert_max_num_queries
):
    from accounts.models import User

    User.objects.bulk_create(
        User(username=f"u{n:05}", email_index=n.to_bytes(32, "big"))
        for n in range(10_000)
    )
    people = User.objects.filter(username__startswith="u0")
    Assignment.objects.bulk_create(
        Assignment(user=user, role=auditor, reason="many") for user in people
    )
    definition = RoleDefinition("auditor", grants=(GrantDefinition("read_pii"),))

    with django_assert_max_num_queries(40):
        effect = preview_role(SYSTEM, definition=definition, role=auditor)

    assert effect.holders == len(people) == 10_000
    assert [(c.kind, c.count) for c in effect.changes] == [
        ("gains", 10_000),
        ("loses", 10_000),
    ]
