"""Which OCSF class and activity an event of ours is (schema.ocsf.io, 1.8.0)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from auditlog.constants import Category

VERSION: Final = "1.8.0"
OTHER: Final = 99


class OcsfClass(IntEnum):
    """The classes in use; the first digit is the category."""

    DETECTION_FINDING = 2004
    INCIDENT_FINDING = 2005
    ACCOUNT_CHANGE = 3001
    AUTHENTICATION = 3002
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS = 3005
    API_ACTIVITY = 6003
    DATASTORE_ACTIVITY = 6005
    APPLICATION_ERROR = 6008


class Kind(NamedTuple):
    """A class with one of its activities; OTHER is named by the event itself."""

    ocsf_class: OcsfClass
    activity_id: int = OTHER
    activity_name: str = ""


LOGON = Kind(OcsfClass.AUTHENTICATION, 1, "Logon")
LOGOFF = Kind(OcsfClass.AUTHENTICATION, 2, "Logoff")
PROOF = Kind(OcsfClass.AUTHENTICATION)
ACCOUNT = Kind(OcsfClass.ACCOUNT_CHANGE)
FACTOR_ON = Kind(OcsfClass.ACCOUNT_CHANGE, 10, "MFA Factor Enable")
FACTOR_OFF = Kind(OcsfClass.ACCOUNT_CHANGE, 11, "MFA Factor Disable")
ASSIGN = Kind(OcsfClass.USER_ACCESS, 1, "Assign Privileges")
REVOKE = Kind(OcsfClass.USER_ACCESS, 2, "Revoke Privileges")
ENTITY_CREATE = Kind(OcsfClass.ENTITY_MANAGEMENT, 1, "Create")
ENTITY_UPDATE = Kind(OcsfClass.ENTITY_MANAGEMENT, 3, "Update")
ENTITY_DELETE = Kind(OcsfClass.ENTITY_MANAGEMENT, 4, "Delete")
API_READ = Kind(OcsfClass.API_ACTIVITY, 2, "Read")
API_CALL = Kind(OcsfClass.API_ACTIVITY)
DATA_READ = Kind(OcsfClass.DATASTORE_ACTIVITY, 1, "Read")
DATA_WRITE = Kind(OcsfClass.DATASTORE_ACTIVITY, 5, "Write")
FAULT = Kind(OcsfClass.APPLICATION_ERROR, 1, "General Error")
FINDING = Kind(OcsfClass.DETECTION_FINDING, 1, "Create")
INCIDENT_NEW = Kind(OcsfClass.INCIDENT_FINDING, 1, "Create")
INCIDENT_UPDATE = Kind(OcsfClass.INCIDENT_FINDING, 2, "Update")
INCIDENT_CLOSE = Kind(OcsfClass.INCIDENT_FINDING, 3, "Close")

# By name, because the log knows no other app; what is not here goes by its category.
KINDS: Final[Mapping[str, Kind]] = {
    "accounts.signed_in": LOGON,
    "accounts.sign_in_failed": LOGON,
    "accounts.second_factor_failed": LOGON,
    "accounts.sign_in_blocked": LOGON,
    "accounts.app_connected": LOGON,
    "accounts.app_refused": LOGON,
    "accounts.api_key_refused": LOGON,
    "accounts.signed_out": LOGOFF,
    "accounts.session_revoked": LOGOFF,
    "accounts.provider_signed_out": LOGOFF,
    "accounts.stepped_up": PROOF,
    "accounts.step_up_failed": PROOF,
    "accounts.password_confirmed": PROOF,
    "accounts.recovery_code_used": PROOF,
    "accounts.code_replayed": PROOF,
    "accounts.token_reuse": PROOF,
    "accounts.new_device": PROOF,
    "privacy.identity_not_proven": PROOF,
    "accounts.user_created": Kind(OcsfClass.ACCOUNT_CHANGE, 1, "Create"),
    "accounts.service_account_made": Kind(OcsfClass.ACCOUNT_CHANGE, 1, "Create"),
    "accounts.password_set": Kind(OcsfClass.ACCOUNT_CHANGE, 3, "Password Change"),
    "accounts.password_reset_asked": Kind(
        OcsfClass.ACCOUNT_CHANGE, 4, "Password Reset"
    ),
    "accounts.user_changed": ACCOUNT,
    "accounts.service_account_changed": ACCOUNT,
    "accounts.account_unlocked": ACCOUNT,
    "accounts.user_invited": ACCOUNT,
    "accounts.invitation_accepted": ACCOUNT,
    "accounts.email_change_asked": ACCOUNT,
    "accounts.identity_linked": ACCOUNT,
    "accounts.identity_unlinked": ACCOUNT,
    "accounts.api_key_made": ACCOUNT,
    "accounts.api_key_revoked": ACCOUNT,
    "accounts.factor_enrolled": FACTOR_ON,
    "accounts.recovery_codes_made": FACTOR_ON,
    "accounts.factor_removed": FACTOR_OFF,
    "accounts.factors_reset": FACTOR_OFF,
    "rbac.role_assigned": ASSIGN,
    "rbac.object_permission_granted": ASSIGN,
    "rbac.break_glass_activated": ASSIGN,
    "rbac.role_revoked": REVOKE,
    "rbac.object_permission_revoked": REVOKE,
    "rbac.break_glass_ended": REVOKE,
    "rbac.role_created": ENTITY_CREATE,
    "rbac.sod_rule_created": ENTITY_CREATE,
    "rbac.role_changed": ENTITY_UPDATE,
    "rbac.role_deleted": ENTITY_DELETE,
    "rbac.sod_rule_deleted": ENTITY_DELETE,
    "rbac.break_glass_eligibility_changed": ENTITY_UPDATE,
    "accounts.application_changed": ENTITY_UPDATE,
    "accounts.provider_changed": ENTITY_UPDATE,
    "chat.catalogue_changed": ENTITY_UPDATE,
    "privacy.register_changed": ENTITY_UPDATE,
    "auditlog.stream_changed": ENTITY_UPDATE,
    "auditlog.route_changed": ENTITY_UPDATE,
    "auditlog.rule_created": ENTITY_CREATE,
    "auditlog.rule_changed": ENTITY_UPDATE,
    "auditlog.rule_disabled": ENTITY_UPDATE,
    "auditlog.rule_deleted": ENTITY_DELETE,
    "auditlog.exception_made": ENTITY_CREATE,
    "auditlog.exception_ended": ENTITY_DELETE,
    "auditlog.search_saved": ENTITY_CREATE,
    "auditlog.search_deleted": ENTITY_DELETE,
    "privacy.hold_placed": ENTITY_CREATE,
    "privacy.hold_released": ENTITY_DELETE,
    "privacy.notice_published": ENTITY_CREATE,
    "privacy.request_opened": ENTITY_CREATE,
    "auditlog.log_checked": API_READ,
    "auditlog.partition_pruned": ENTITY_DELETE,
    "chat.conversation_deleted": ENTITY_DELETE,
    "chat.action_recorded": DATA_WRITE,
    "auditlog.export_started": DATA_READ,
    "auditlog.export_ended": DATA_READ,
    "auditlog.evidence_exported": DATA_READ,
    "chatbot_query": API_READ,
    "auditlog.events_read": API_READ,
    "auditlog.event_read": API_READ,
    "auditlog.events_counted": API_READ,
    "auditlog.alerts_read": API_READ,
    "auditlog.tail_opened": API_READ,
    "auditlog.tail_read": API_READ,
    "auditlog.incidents_read": API_READ,
    "auditlog.incident_read": API_READ,
    "auditlog.person_read": API_READ,
    "auditlog.incident_opened": INCIDENT_NEW,
    "auditlog.incident_reopened": INCIDENT_UPDATE,
    "auditlog.incident_acknowledged": INCIDENT_UPDATE,
    "auditlog.incident_noted": INCIDENT_UPDATE,
    "auditlog.incident_resolved": INCIDENT_CLOSE,
    "security_alert": FINDING,
}
BY_CATEGORY: Final[Mapping[Category, Kind]] = {
    "access": API_CALL,
    "authorization": API_CALL,
    "data_access": DATA_READ,
    "audit": API_CALL,
    "error": FAULT,
    "security": API_CALL,
}


def kind_of(event_type: str, category: Category) -> Kind:
    """Return the class and activity of an event type."""
    return KINDS.get(event_type) or BY_CATEGORY[category]
