"""Emergency roles: for few, briefly, with a fresh factor, and never quietly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import make_user
from auditlog.selectors import list_events, read_events
from chatsec.core.context import SYSTEM
from chatsec.core.errors import (
    Conflict,
    Denied,
    DomainError,
    Invalid,
    NotFound,
    StepUpRequired,
)
from rbac.models import Assignment, BreakGlassActivation, Role
from rbac.services import assign_role, check_permission, decide
from rbac.services.break_glass import (
    activate,
    end_activation,
    end_eligibility,
    make_eligible,
)
from rbac.services.requests import request_access
from rbac.services.roles import create_role, delete_role, update_role
from rbac.services.separation import create_sod_rule
from rbac.tests.factories import give_role
from rbac.tests.governing import acting, make_role, race, role_of

pytestmark = pytest.mark.django_db
FRESH = timedelta(minutes=1)


@pytest.fixture
def glass(db):
    return make_role("rescue", "read_pii", is_break_glass=True)


@pytest.fixture
def rescuer(glass, erin):
    make_eligible(SYSTEM, user=erin, role="rescue", reason="on call")
    return erin


def break_it(user, reason="the shop is down", *, stepped_up=FRESH, role="rescue"):
    session = acting(user, stepped_up=stepped_up)
    return activate(session, user=user, role=role, reason=reason)


def age(activation, **by):
    """Move the emergency into the past."""
    BreakGlassActivation.objects.filter(pk=activation.pk).update(
        started_at=activation.started_at - timedelta(**by),
        ends_at=activation.ends_at - timedelta(**by),
    )
    Assignment.objects.filter(pk=activation.assignment_id).update(
        valid_from=activation.started_at - timedelta(**by),
        valid_until=activation.ends_at - timedelta(**by),
    )


def test_eligibility_alone_grants_nothing(rescuer):
    assert not check_permission(rescuer, "read_pii")


def test_it_lasts_sixty_minutes(rescuer):
    made = break_it(rescuer)

    assert made.ends_at - made.started_at == timedelta(minutes=60)
    assert check_permission(rescuer, "read_pii")
    later = made.ends_at
    assert not decide(acting(rescuer), "read_pii", at=later).is_allowed


def test_it_leaves_a_security_event(rescuer):
    break_it(rescuer)

    row = list_events(event_type="rbac.break_glass_activated").get()
    event = read_events([row])[0]
    assert row.category == "security"
    assert event.details["role"] == "rescue"
    assert (event.details["before"], event.details["after"]) == ("inactive", "active")
    assert event.subject_details["reason"] == "the shop is down"


def test_without_the_event_there_is_no_activation(rescuer, settings):
    """The keys that seal evidence are gone: nothing recorded, nothing given."""
    from chatsec.core import crypto

    settings.CHATSEC_SUBJECT_KEYS = "rbac.tests.test_break_glass.no_keys"
    crypto.subject_keys.cache_clear()

    with pytest.raises(RuntimeError):
        break_it(rescuer)

    assert not check_permission(rescuer, "read_pii")
    assert not BreakGlassActivation.objects.exists()


class no_keys:  # noqa: N801 - named in settings
    """Key storage that is out of reach."""

    def __getattr__(self, name):
        raise RuntimeError("out of reach")


@pytest.mark.parametrize("stepped_up", [None, timedelta(minutes=5, seconds=1)])
def test_a_sign_in_or_an_old_code_is_not_enough(rescuer, stepped_up):
    with pytest.raises(StepUpRequired):
        break_it(rescuer, stepped_up=stepped_up)

    assert not check_permission(rescuer, "read_pii")


def test_strangers_do_not_learn_which_emergency_roles_there_are(rescuer, charlie):
    said = set()
    for role in ("rescue", "no_such_role", "admin", "\x00"):
        with pytest.raises(NotFound) as raised:
            break_it(charlie, role=role)
        said.add(raised.value.message)
    with pytest.raises(Denied):
        activate(acting(charlie), user=rescuer, role="rescue", reason="x")

    assert len(said) == 1


def test_it_is_not_prolonged(rescuer):
    first = break_it(rescuer)

    with pytest.raises(Conflict) as raised:
        break_it(rescuer, "another reason")
    assert raised.value.code == "already_active"
    age(first, minutes=61)
    for same in ("the shop is down", " The shop: is DOWN! "):
        with pytest.raises(Invalid) as raised:
            break_it(rescuer, same)
        assert raised.value.code == "new_reason_needed"
    second = break_it(rescuer, "and now the payroll")

    assert second.ends_at - second.started_at == timedelta(minutes=60)


def test_the_same_reason_counts_again_the_day_after(rescuer):
    age(break_it(rescuer), days=1)

    break_it(rescuer)


def test_it_ends_early_on_demand(rescuer, charlie, admin):
    made = break_it(rescuer)

    with pytest.raises(NotFound):
        end_activation(acting(charlie), activation_id=made.id)
    end_activation(acting(rescuer), activation_id=made.id)

    assert not check_permission(rescuer, "read_pii")
    assert list_events(event_type="rbac.break_glass_ended").count() == 1
    with pytest.raises(Conflict):
        end_activation(acting(admin), activation_id=made.id)
    with pytest.raises(Invalid):
        break_it(rescuer)


def test_an_administrator_ends_it(rescuer, admin):
    end_activation(acting(admin), activation_id=break_it(rescuer).id)

    assert not check_permission(rescuer, "read_pii")


@pytest.mark.parametrize("valid_for", [None, timedelta(days=1)])
def test_who_is_no_longer_eligible_activates_nothing(glass, admin, erin, valid_for):
    until = timezone.now() + valid_for if valid_for else None
    row = make_eligible(
        acting(admin), user=erin, role=glass, reason="on call", valid_until=until
    )
    with pytest.raises(Conflict):
        make_eligible(acting(admin), user=erin, role=glass, reason="twice")

    end_eligibility(acting(admin), eligibility=row)

    with pytest.raises(NotFound):
        break_it(erin)
    with pytest.raises(Conflict):
        end_eligibility(acting(admin), eligibility=row)
    make_eligible(acting(admin), user=erin, role=glass, reason="on call again")


def test_eligibility_is_given_within_what_one_holds(glass, erin, bob, admin):
    make_role("clerk", "manage_roles")
    give_role(erin, "clerk")

    for giver, person in ((erin, bob), (erin, erin), (bob, bob), (admin, admin)):
        with pytest.raises(Denied):
            make_eligible(acting(giver), user=person, role=glass, reason="why")
    with pytest.raises(Conflict):
        make_eligible(SYSTEM, user=bob, role="finance", reason="why")


def test_there_is_no_quiet_way_to_the_role(glass, admin, bob):
    with pytest.raises(Conflict):
        assign_role(acting(admin), user=bob, role="rescue", reason="why")
    with pytest.raises(Conflict):
        request_access(
            acting(bob), user=bob, role="rescue", reason="x", duration=FRESH * 60
        )
    with pytest.raises(Invalid):
        create_role(acting(admin), definition=role_of("way", inherits=["rescue"]))


def test_a_role_in_use_does_not_become_an_emergency_role(admin, bob):
    role = make_role("helper", "read_pii")
    make_role("heir", inherits=["helper"])
    give_role(bob, "helper")
    flagged = role_of("helper", "read_pii", is_break_glass=True)

    with pytest.raises(Conflict):
        update_role(acting(admin), role=role, definition=flagged)
    bob.role_assignments.filter(role=role).delete()
    with pytest.raises(Invalid):
        update_role(acting(admin), role=role, definition=flagged)
    finance = Role.objects.get(name="finance")
    with pytest.raises(Conflict):
        update_role(
            acting(admin),
            role=finance,
            definition=role_of("finance", is_break_glass=True),
        )


def test_a_role_that_somebody_may_activate_stays(rescuer, glass, admin):
    with pytest.raises(Conflict):
        delete_role(acting(admin), role=glass)


def test_duties_stay_apart_in_emergencies(rescuer):
    make_role("auditor", "view_audit")
    give_role(rescuer, "auditor")
    create_sod_rule(SYSTEM, role_a="rescue", role_b="auditor", reason="four eyes")

    with pytest.raises(Conflict) as raised:
        break_it(rescuer)

    assert raised.value.code == "sod_conflict"


def test_who_broke_the_glass_gives_nothing_that_outlasts_it(db, charlie):
    person = make_user("person")
    make_role("glass_admin", "*", is_break_glass=True)
    make_eligible(SYSTEM, user=person, role="glass_admin", reason="on call")
    made = break_it(person, role="glass_admin")

    with pytest.raises(Denied):
        assign_role(acting(person), user=charlie, role="finance", reason="w")
    assign_role(
        acting(person),
        user=charlie,
        role="finance",
        reason="helps",
        valid_until=made.ends_at,
    )


@pytest.mark.django_db(transaction=True)
def test_parallel_activations_are_one():
    user = make_user("person")
    make_role("rescue", "read_pii", is_break_glass=True)
    make_eligible(SYSTEM, user=user, role="rescue", reason="on call")

    outcomes = race(
        *[lambda n=n: break_it(user, f"reason {n}") for n in range(5)],
    )

    assert sum(not isinstance(each, DomainError) for each in outcomes) == 1
    assert BreakGlassActivation.objects.count() == 1
    assert Assignment.objects.filter(user=user).count() == 1
