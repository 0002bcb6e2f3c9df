"""What other apps ask of authorization, and every write of policy."""

from rbac.services.assignments import assign_role, revoke_assignment
from rbac.services.deciding import (
    as_actor,
    check_permission,
    data_scope,
    decide,
    effective_permissions,
)

__all__ = [
    "as_actor",
    "assign_role",
    "check_permission",
    "data_scope",
    "decide",
    "effective_permissions",
    "revoke_assignment",
]
