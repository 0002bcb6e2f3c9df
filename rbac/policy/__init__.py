"""The decision engine: conditions, roles, compiled masks. Knows no framework."""

from rbac.policy.compilation import Entry, Snapshot
from rbac.policy.conditions import Condition, parse_condition
from rbac.policy.decisions import Decision, Question, Reason
from rbac.policy.parser import ConditionError
from rbac.policy.roles import Grant, Role, grant
from rbac.policy.scopes import DataScope
from rbac.policy.sql import SqlCondition
from rbac.policy.values import Bindings, Kind

__all__ = [
    "Bindings",
    "Condition",
    "ConditionError",
    "DataScope",
    "Decision",
    "Entry",
    "Grant",
    "Kind",
    "Question",
    "Reason",
    "Role",
    "Snapshot",
    "SqlCondition",
    "grant",
    "parse_condition",
]
