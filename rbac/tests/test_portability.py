"""Policy as a file: out and in again, compared, checked, all or nothing."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditlog.selectors import list_events
from chatsec.core.context import SYSTEM
from chatsec.core.errors import Conflict, DomainError, Invalid, NotFound
from rbac.models import Role, SodRule
from rbac.services import check_permission
from rbac.services.documents import (
    MalformedDocument,
    PolicyDocument,
    SodDefinition,
    read_document,
    write_document,
)
from rbac.services.portability import (
    current_document,
    difference,
    export_text,
    import_policy,
)
from rbac.services.roles import GrantDefinition, RoleDefinition
from rbac.services.separation import create_sod_rule
from rbac.tests.factories import give_role
from rbac.tests.governing import acting, make_role, role_of

BILLION_LAUGHS = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    ]
)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,20}\Z")
GRANTS = st.builds(
    GrantDefinition,
    permission=st.sampled_from(["read_sales", "read_*", "*", "accounts.*"]),
    effect=st.sampled_from(["allow", "deny"]),
    condition=st.sampled_from(
        ["", "context.hour >= 9", 'user.region == "a: #"\n&& true']
    ),
    row_filter=st.sampled_from(["", "resource.region == user.region"]),
    columns=st.none() | st.lists(NAMES, max_size=3, unique=True).map(sorted).map(tuple),
    requires_step_up=st.booleans(),
)
ROLES = st.builds(
    RoleDefinition,
    name=NAMES,
    label=TEXTS,
    description=TEXTS,
    inherits=st.lists(NAMES, max_size=3, unique=True).map(sorted).map(tuple),
    grants=st.lists(GRANTS, max_size=4, unique=True).map(tuple),
    is_break_glass=st.booleans(),
    requires_factor=st.booleans(),
)
DOCUMENTS = st.builds(
    PolicyDocument,
    roles=st.lists(ROLES, max_size=4, unique_by=lambda role: role.name).map(tuple),
    sod_rules=st.lists(
        st.builds(SodDefinition, st.just("a"), NAMES.map("b{}".format), TEXTS),
        max_size=3,
        unique=True,
    ).map(tuple),
)


def same(one, other):
    return difference(one, other) == [] and difference(other, one) == []


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS)
def test_a_document_is_read_as_it_was_written(document):
    text = write_document(document)

    assert same(read_document(text), document)
    assert write_document(read_document(text)) == text


@settings(deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_breaks_the_reader(text):
    with contextlib.suppress(MalformedDocument):
        read_document(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BILLION_LAUGHS, "aliases"),
        ("version: 1\nroles: &a []", "aliases"),
        ("[" * 100_000, "deeply"),
        ("{a: " * 500, "deeply"),
        ("version: 1\nroles: []\n" + "# x\n" * 600_000, "bytes"),
        ("version: 1\nversion: 1\nroles: []", "twice"),
        ("version: 1\nroles: [{name: a, name: b, grants: []}]", "twice"),
        ("version: 1\nroles: [{name: a}, {name: a}]", "twice"),
        ("version: 2\nroles: []", "version"),
        ("roles: []", "version"),
        ("- 1", "names with values"),
        ("version: 1\nroles: {}", "a list"),
        ("version: 1\nroles: [{name: 7}]", "a text"),
        ("version: 1\nroles: [{name: a, grant: []}]", "grant is not known"),
        (
            "version: 1\nroles: [{name: a, grants: [{permission: b, conditon: c}]}]",
            "conditon is not known",
        ),
        ("version: 1\nroles: []\nsod_rules: [{roles: [a, a], reason: b}]", "two"),
        ("version: 1\nroles: !!python/object/apply:os.getcwd []", "Not YAML"),
        ("version: 1\nroles: [2026-13-45]", "Not YAML"),
        ("version: 1\nroles: []\nassignments: [{user: a, role: b}]", "valid_from"),
        ("\x00", "Not YAML"),
        ("", "names with values"),
    ],
)
def test_it_refuses_what_is_doubtful(text, message):
    with pytest.raises(MalformedDocument) as raised:
        read_document(text)

    assert message in raised.value.message


@pytest.mark.django_db
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_what_was_exported_changes_nothing(data):
    stored = current_document()
    grants = data.draw(st.lists(GRANTS, max_size=4, unique=True))
    known = [
        grant for grant in grants if grant.permission in ("read_sales", "read_*", "*")
    ]
    name = data.draw(NAMES.filter(lambda name: name not in NAMES_STORED))
    role = RoleDefinition(
        name=name,
        label=data.draw(TEXTS.map(str.strip)),
        description=data.draw(TEXTS),
        inherits=("employee",),
        grants=tuple(known),
    )
    wanted = PolicyDocument((*stored.roles, role))

    first = import_policy(SYSTEM, document=wanted)
    again = import_policy(SYSTEM, document=read_document(export_text()))

    assert first
    assert again == []
    import_policy(SYSTEM, document=stored)
    assert export_text() == write_document(stored)


NAMES_STORED = {
    "public",
    "employee",
    "sales_rep",
    "sales_manager",
    "hr_specialist",
    "finance",
    "admin",
}


def plus(document, *roles, **terms):
    return replace(document, roles=(*document.roles, *roles), **terms)


def test_it_says_what_would_change(document):
    make_role("old", "read_pii")
    wanted = plus(
        document,
        role_of("buyer", "read_sales", inherits=["pays"]),
        role_of("pays", "read_financial"),
        sod_rules=(SodDefinition("finance", "sales_rep", "four eyes"),),
    )
    wanted = replace(
        wanted,
        roles=tuple(
            replace(role, grants=role.grants[1:], inherits=("public",))
            if role.name == "employee"
            else role
            for role in wanted.roles
        ),
    )

    lines = import_policy(SYSTEM, document=wanted, mode="dry_run")

    assert lines == [
        "+ role buyer",
        "  + inherits pays",
        "  + allow read_sales",
        "~ role employee",
        "  - allow read_company_directory",
        "  + inherits public",
        "- role old",
        "+ role pays",
        "  + allow read_financial",
        "+ keep apart finance and sales_rep: four eyes",
    ]
    assert Role.objects.filter(name="old").exists()
    assert not Role.objects.filter(name="buyer").exists()
    assert list_events(event_type="rbac.role_created").count() == 1

    assert import_policy(SYSTEM, document=wanted) == lines
    assert import_policy(SYSTEM, document=wanted) == []
    assert list_events(event_type="rbac.role_created").count() == 3
    assert list_events(event_type="rbac.role_deleted").count() == 1
    assert SodRule.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "error"),
    [
        (role_of("Bad Name"), Invalid),
        (role_of("buyer", "no_such_code"), Invalid),
        (role_of("buyer", inherits=["nobody"]), Invalid),
        (role_of("buyer", inherits=["buyer"]), Invalid),
        (
            RoleDefinition(
                "buyer", grants=(GrantDefinition("*", condition="user.x =="),)
            ),
            Invalid,
        ),
        (RoleDefinition("buyer", grants=(GrantDefinition("*", effect="x"),)), Invalid),
    ],
)
@pytest.mark.parametrize("mode", ["apply", "dry_run"])
def test_one_mistake_refuses_all(document, role, error, mode):
    wanted = plus(document, role_of("fine", "read_pii"), role)

    with pytest.raises(error):
        import_policy(SYSTEM, document=wanted, mode=mode)

    assert current_document() == document


def test_it_refuses_circles_between_new_roles(document):
    wanted = plus(document, role_of("a", inherits=["b"]), role_of("b", inherits=["a"]))

    with pytest.raises(Invalid) as raised:
        import_policy(SYSTEM, document=wanted)

    assert raised.value.code == "role_cycle"


def test_roles_that_come_with_chatsec_stay(document):
    for name in ("public", "employee", "admin"):
        roles = tuple(role for role in document.roles if role.name != name)
        with pytest.raises(Conflict):
            import_policy(SYSTEM, document=PolicyDocument(roles))
    changed = tuple(
        role_of("admin", "read_pii") if role.name == "admin" else role
        for role in document.roles
    )
    with pytest.raises(Conflict):
        import_policy(SYSTEM, document=PolicyDocument(changed))


def test_it_keeps_duties_apart(document, bob):
    give_role(bob, "finance")
    make_role("pays")
    create_sod_rule(SYSTEM, role_a="finance", role_b="pays", reason="four eyes")
    document = current_document()
    roles = tuple(
        replace(role, inherits=("employee", "pays"))
        if role.name == "sales_rep"
        else role
        for role in document.roles
    )

    with pytest.raises(Conflict) as raised:
        import_policy(SYSTEM, document=replace(document, roles=roles))

    assert raised.value.code == "sod_conflict"


def test_assignments_travel_where_they_are_asked_for(admin, bob, erin):
    until = timezone.now() + timedelta(days=3)
    give_role(erin, "finance", valid_until=until)
    text = export_text(assignments="with")
    assert "assignments" not in export_text()
    bob.role_assignments.get().delete()
    give_role(bob, "hr_specialist")

    lines = import_policy(SYSTEM, document=read_document(text))

    assert [line[:24] for line in lines] == [
        "- bob has hr_specialist ",
        "+ bob has sales_rep from",
    ]
    assert check_permission(bob, "read_sales")
    assert not check_permission(bob, "read_hr_data")
    assert import_policy(SYSTEM, document=read_document(text)) == []


def test_an_import_leaves_an_administrator(admin, document):
    with pytest.raises(Conflict) as raised:
        import_policy(SYSTEM, document=replace(document, assignments=()))

    assert raised.value.code == "last_administrator"
    assert check_permission(admin, "manage_roles")


def test_it_knows_the_people_it_names(admin, document):
    rows = current_document(assignments="with").assignments
    ghost = replace(rows[0], user="ghost")

    with pytest.raises(NotFound):
        import_policy(SYSTEM, document=replace(document, assignments=(*rows, ghost)))


def test_strangers_import_nothing(document, charlie):
    with pytest.raises(DomainError):
        import_policy(acting(charlie), document=document)


def test_a_file_from_before_factors_were_required_keeps_that_they_are(db):
    """What it says nothing of stays; the same file still refuses what it does say."""
    Role.objects.filter(name="finance").update(requires_factor=True)
    before = current_document()
    older = re.sub(r"\n +requires_factor: \w+", "", export_text())
    assert "requires_factor" not in older

    assert import_policy(SYSTEM, document=read_document(older)) == []

    assert current_document() == before
    assert Role.objects.get(name="admin").requires_factor


def test_what_a_file_says_of_factors_is_done(db):
    """An export says it of every role, so that reading it again brings it all back."""
    text = export_text()
    assert text.count("requires_factor: ") == Role.objects.count()
    Role.objects.filter(name="finance").update(requires_factor=True)

    changes = import_policy(SYSTEM, document=read_document(text))

    assert changes == ["~ role finance", "  ~ needs a second factor: False"]
    assert not Role.objects.get(name="finance").requires_factor
    weaker = text.replace("requires_factor: true", "requires_factor: false")
    with pytest.raises(Conflict):
        import_policy(SYSTEM, document=read_document(weaker))


def test_a_new_role_of_a_file_that_says_nothing_needs_no_factor(db):
    older = re.sub(r"\n +requires_factor: \w+", "", export_text())
    added = older.replace("roles:\n", "roles:\n- name: scout\n  grants: []\n", 1)

    import_policy(SYSTEM, document=read_document(added))

    assert not Role.objects.get(name="scout").requires_factor
