"""The events that changes of roles and assignments leave behind."""

from auditlog.registry import register

ROLE_CREATED = register(
    "rbac.role_created",
    category="authorization",
    fail_closed=True,
    description="A role was created",
)
ROLE_CHANGED = register(
    "rbac.role_changed",
    category="authorization",
    fail_closed=True,
    description="What a role grants or inherits was changed",
)
ROLE_DELETED = register(
    "rbac.role_deleted",
    category="authorization",
    fail_closed=True,
    description="A role was deleted",
)
ROLE_ASSIGNED = register(
    "rbac.role_assigned",
    category="authorization",
    fail_closed=True,
    description="Somebody was given a role",
)
ROLE_REVOKED = register(
    "rbac.role_revoked",
    category="authorization",
    fail_closed=True,
    description="Somebody lost a role",
)
