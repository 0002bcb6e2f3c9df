"""Roles and who has them; and the rules and requests that govern both."""

from rbac.models.governance import (
    AccessRequest,
    BreakGlassActivation,
    BreakGlassEligibility,
    SodRule,
)
from rbac.models.objects import RoleGroup
from rbac.models.roles import (
    ROLE_NAME,
    Assignment,
    Domain,
    PolicyChange,
    PolicyStamp,
    Role,
    RoleGrant,
    RoleParent,
    UserStamp,
)

__all__ = [
    "ROLE_NAME",
    "AccessRequest",
    "Assignment",
    "BreakGlassActivation",
    "BreakGlassEligibility",
    "Domain",
    "PolicyChange",
    "PolicyStamp",
    "Role",
    "RoleGrant",
    "RoleGroup",
    "RoleParent",
    "SodRule",
    "UserStamp",
]
