"""What several apps have to agree on before one of them acts."""

from __future__ import annotations

from accounts.models import User
from rbac.constants import ADMIN_ROLE
from rbac.models import Assignment
from rbac.services.governance import hold_policy_lock, refuse_last_administrator


def keep_an_administrator(user: User) -> None:
    """Refuse to close the account of the last administrator (Conflict).

    Holds the policy lock until the caller's transaction ends, so that two who close
    each other's account do not both succeed.
    """
    hold_policy_lock()
    held = Assignment.objects.select_related("role", "user").filter(
        user=user, role__name=ADMIN_ROLE, revoked_at__isnull=True
    )
    for assignment in held:
        refuse_last_administrator(assignment)
