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
SOD_RULE_CREATED = register(
    "rbac.sod_rule_created",
    category="authorization",
    fail_closed=True,
    description="Two roles are kept apart",
)
SOD_RULE_DELETED = register(
    "rbac.sod_rule_deleted",
    category="authorization",
    fail_closed=True,
    description="Two roles are no longer kept apart",
)
ACCESS_REQUESTED = register(
    "rbac.access_requested",
    category="authorization",
    fail_closed=True,
    description="Somebody asked for a role",
)
ACCESS_DECIDED = register(
    "rbac.access_decided",
    category="authorization",
    fail_closed=True,
    description="A request for a role was approved, denied, cancelled or expired",
)
ELIGIBILITY_CHANGED = register(
    "rbac.break_glass_eligibility_changed",
    category="authorization",
    fail_closed=True,
    description="Somebody may, or may no longer, activate a break-glass role",
)
BREAK_GLASS_ACTIVATED = register(
    "rbac.break_glass_activated",
    category="security",
    severity="critical",
    fail_closed=True,
    description="Somebody activated an emergency role",
)
BREAK_GLASS_ENDED = register(
    "rbac.break_glass_ended",
    category="security",
    severity="warning",
    fail_closed=True,
    description="An emergency role was given back",
)
OBJECT_GRANTED = register(
    "rbac.object_permission_granted",
    category="authorization",
    fail_closed=True,
    description="Somebody was given a permission on one object",
)
OBJECT_REVOKED = register(
    "rbac.object_permission_revoked",
    category="authorization",
    fail_closed=True,
    description="Somebody lost a permission on one object",
)
