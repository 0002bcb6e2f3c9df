"""A refreshed policy is the stored one, whatever was changed, lost or rolled back."""

from __future__ import annotations

import threading
from functools import partial
from random import Random  # noqa: TID251 - a repeatable order, no secret
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction

from accounts.tests.factories import make_user
from rbac import loading, selectors
from rbac.models import PolicyChange, PolicyStamp, Role, RoleGrant, RoleParent
from rbac.services import check_permission
from rbac.tests.factories import give_role


def compiled(snapshot):
    return {
        name: (role.masks, role.closure, role.held)
        for name, role in snapshot.roles.items()
    }


def is_as_stored():
    """Return whether what is at hand equals what is read anew."""
    at_hand = loading.policy_at(loading.read_revision())
    anew = loading._whole(at_hand.revision)
    same = compiled(at_hand.snapshot) == compiled(anew.snapshot)
    return same and at_hand.names == anew.names


@pytest.fixture
def whole_loads(monkeypatch):
    """Count how often everything is read."""
    counted = []
    original = loading._whole
    monkeypatch.setattr(
        loading, "_whole", lambda revision: counted.append(1) or original(revision)
    )
    return counted


def add_role(name, *parents, code="read_hr_data"):
    role = Role.objects.create(name=name)
    RoleGrant.objects.create(role=role, code=code)
    for parent in parents:
        RoleParent.objects.create(role=role, parent=parent)
    return role


@pytest.mark.django_db
def test_it_reads_only_what_the_journal_names(whole_loads):
    base = add_role("base")
    add_role("heir", base, code="write_hr_data")
    selectors.current_snapshot()
    whole_loads.clear()

    RoleGrant.objects.filter(role=base).update(code="read_pii")
    heir = selectors.current_snapshot().entry(["heir"])

    assert heir.quick("read_pii")
    assert heir.quick("read_hr_data") is False
    assert whole_loads == []
    assert is_as_stored()


@pytest.mark.django_db
def test_a_refresh_after_an_edit_asks_few_queries(django_assert_num_queries):
    base = add_role("base")
    for number in range(30):
        add_role(f"heir_{number}", base)
    selectors.current_snapshot()
    RoleGrant.objects.filter(role=base).update(code="read_pii")

    # The revision twice, the journal, then roles, parents and grants of one role.
    with django_assert_num_queries(6):
        selectors.current_snapshot()


def rename(role):
    Role.objects.filter(pk=role.pk).update(name=f"{role.name[:50]}_x")


def swap_names(role):
    other = Role.objects.exclude(pk=role.pk).order_by("-name").first()
    names = role.name, other.name
    Role.objects.filter(pk=role.pk).update(name="between")
    Role.objects.filter(pk=other.pk).update(name=names[0])
    Role.objects.filter(pk=role.pk).update(name=names[1])


def make_again(role):
    Role.objects.filter(pk=role.pk).delete()
    add_role(role.name, code="read_pii")


def inherit(role):
    if not RoleParent.objects.filter(parent=role).exists():
        add_role("new_parent")
        RoleParent.objects.create(role=role, parent=Role.objects.get(name="new_parent"))


def disinherit(role):
    RoleParent.objects.filter(role=role).delete()


def deny(role):
    RoleGrant.objects.bulk_create([RoleGrant(role=role, code="*", effect="deny")])


def move_grants(role):
    other = Role.objects.exclude(pk=role.pk).order_by("-name").first()
    RoleGrant.objects.filter(role=role).update(role=other)


def delete_by_sql(role):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM rbac_rolegrant WHERE role_id = %s", [role.pk])


def register_code(role):
    kind = Permission.objects.first().content_type
    Permission.objects.create(content_type=kind, codename=f"new_{uuid4().hex}")


def forget_journal(role):
    RoleGrant.objects.filter(role=role).update(code="read_pii")
    PolicyChange.objects.all().delete()


def restamp(role):
    """A restored backup: another revision, of which the journal knows nothing."""
    PolicyStamp.objects.update(revision="00000000-0000-4000-8000-000000000000")
    RoleGrant.objects.filter(role=role).update(code="read_pii")


EDITS = [
    rename,
    swap_names,
    make_again,
    inherit,
    disinherit,
    deny,
    move_grants,
    delete_by_sql,
    register_code,
    forget_journal,
    restamp,
]


@pytest.mark.django_db
@pytest.mark.parametrize("edit", EDITS)
def test_it_is_what_is_stored_after(edit):
    base = add_role("base")
    add_role("top", add_role("middle", base))
    for name in ("middle", "top", "base"):
        compiled(selectors.current_snapshot())
        edit(Role.objects.filter(name=name).first() or base)
        assert is_as_stored()
        Role.objects.filter(name="new_parent").delete()
        assert is_as_stored()


@pytest.mark.django_db
def test_it_is_what_is_stored_after_many_edits_some_of_them_rolled_back():
    base = add_role("base")
    add_role("top", add_role("middle", base))
    chance = Random(2026)
    safe = [edit for edit in EDITS if edit is not restamp]
    for _ in range(60):
        role = chance.choice(list(Role.objects.order_by("name")))
        is_lost = chance.random() < 0.4
        with transaction.atomic():
            chance.choice(safe)(role)
            if chance.random() < 0.7:
                assert is_as_stored()
            transaction.set_rollback(is_lost)
        assert is_as_stored()
        if Role.objects.filter(name="new_parent").exists():
            Role.objects.filter(name="new_parent").delete()


@pytest.mark.django_db
def test_nothing_is_built_on_a_revision_that_was_rolled_back():
    role = add_role("role")
    user = make_user("person")
    give_role(user, "role")
    assert not check_permission(user, "read_pii")

    with transaction.atomic():
        RoleGrant.objects.create(role=role, code="read_pii")
        assert check_permission(user, "read_pii")
        transaction.set_rollback(True)
    RoleGrant.objects.create(role=role, code="read_financial")

    assert not check_permission(user, "read_pii")
    assert check_permission(user, "read_financial")


@pytest.mark.django_db
def test_a_stamp_held_since_before_a_lost_write_does_not_date_what_it_wrote():
    user = make_user("person")
    role = add_role("role")
    selectors.hold_stamp(user)
    selectors.keep_stamp(user, selectors.read_stamp(user.pk))
    loading._loaded.clear()

    with transaction.atomic():
        RoleGrant.objects.create(role=role, code="read_pii")
        give_role(user, "role")
        check_permission(user, "read_pii")
        transaction.set_rollback(True)
    selectors.release_stamp(user)

    assert not check_permission(user, "read_pii")
    assert not check_permission(user, "read_hr_data")
    assert is_as_stored()


@pytest.mark.django_db
def test_nor_does_it_date_roles_that_were_given_in_vain():
    user = make_user("person")
    selectors.current_snapshot()
    selectors.keep_stamp(user, selectors.read_stamp(user.pk))

    with transaction.atomic():
        give_role(user, "finance")
        check_permission(user, "read_financial")
        transaction.set_rollback(True)
    selectors.release_stamp(user)

    assert not check_permission(user, "read_financial")


@pytest.mark.django_db
def test_a_write_that_changes_no_row_leaves_the_stamp_and_the_journal():
    before = loading.read_revision(), PolicyChange.objects.count()

    RoleGrant.objects.filter(code="never").update(effect="deny")
    RoleGrant.objects.filter(code="never").delete()

    assert (loading.read_revision(), PolicyChange.objects.count()) == before


@pytest.mark.django_db
def test_the_journal_keeps_the_last_changes_only():
    role = Role.objects.get(name="finance")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rbac_policychange (revision, role_id)"
            " SELECT gen_random_uuid(), NULL FROM generate_series(1, 21000)"
        )

    RoleGrant.objects.filter(role=role).update(effect="allow")

    assert PolicyChange.objects.count() == 20_000
    assert is_as_stored()


def write_now_and_then(role):
    for number in range(12):
        with transaction.atomic():
            RoleGrant.objects.create(role=role, code=f"code_{number}")
            if number % 3:
                RoleGrant.objects.filter(role=role, code="read_hr_data").delete()
            transaction.set_rollback(number % 4 == 1)


def read_all_the_time():
    for _ in range(40):
        selectors.current_snapshot()


def at_once(*works):
    """Run each in a thread with a connection of its own; raise what one raised."""
    start, errors = threading.Barrier(len(works)), []

    def run(work):
        try:
            start.wait(timeout=10)
            work()
        except Exception as error:  # noqa: BLE001 - raised in the test's thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    if errors:
        raise errors[0]


@pytest.mark.django_db(transaction=True)
def test_it_misses_nothing_while_several_write_at_once():
    roles = [add_role(f"role_{number}") for number in range(4)]
    selectors.current_snapshot()

    writers = [partial(write_now_and_then, role) for role in roles]
    at_once(*writers, read_all_the_time)

    assert is_as_stored()


@pytest.mark.django_db(transaction=True)
def test_threads_that_find_a_new_revision_load_it_once(whole_loads):
    user = make_user("person")
    give_role(user, "finance")
    loading._loaded.clear()
    whole_loads.clear()
    found = []

    ask = partial(check_permission, user, "read_financial")
    at_once(*[lambda: found.append(ask())] * 6)

    assert found == [True] * 6
    assert len(whole_loads) == 1
