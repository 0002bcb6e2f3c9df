"""What other apps ask of authorization, and every write of policy."""

from rbac.services.assignments import assign_role, revoke_assignment
from rbac.services.deciding import (
    as_actor,
    check_permission,
    data_scope,
    decide,
    effective_permissions,
)
from rbac.services.object_reads import (
    objects_for,
    objects_for_all,
    objects_for_any,
    objects_given,
    prefetch_object_permissions,
)
from rbac.services.objects import grant_object, revoke_object

__all__ = [
    "as_actor",
    "assign_role",
    "check_permission",
    "data_scope",
    "decide",
    "effective_permissions",
    "grant_object",
    "objects_for",
    "objects_for_all",
    "objects_for_any",
    "objects_given",
    "prefetch_object_permissions",
    "revoke_assignment",
    "revoke_object",
]
