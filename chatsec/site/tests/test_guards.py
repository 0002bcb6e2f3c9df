import pytest

from accounts.models import User
from accounts.services.people import close_account
from accounts.tests.factories import make_user
from accounts.tests.race import of_kind, race
from chatsec.core.errors import Conflict
from rbac.tests.factories import give_role


@pytest.mark.django_db
def test_one_of_two_administrators_may_leave():
    first, second = make_user("first"), make_user("second")
    give_role(first, "admin")
    give_role(second, "admin")

    close_account(first)

    with pytest.raises(Conflict) as refused:
        close_account(second)
    assert refused.value.code == "last_administrator"
    assert User.objects.get(is_active=True) == second


@pytest.mark.django_db
def test_anybody_else_may_leave():
    give_role(make_user("admin"), "admin")

    assert not close_account(make_user("erin")).is_active


@pytest.mark.django_db(transaction=True)
def test_two_administrators_do_not_both_leave_at_once():
    both = [make_user("first"), make_user("second")]
    for user in both:
        give_role(user, "admin")
    turn = iter(both)

    results = race(2, lambda: close_account(next(turn)))

    assert of_kind(results, Conflict) == 1
    assert User.objects.filter(is_active=True).count() == 1
