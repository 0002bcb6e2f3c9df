"""Writes of the audit log. Other apps use `record`, `record_refusal`, `Target`."""

from __future__ import annotations

from auditlog.services.denials import record_denial
from auditlog.services.failures import record_error
from auditlog.services.recording import Evidence, Target, record
from auditlog.services.refusals import record_refusal

__all__ = [
    "Evidence",
    "Target",
    "record",
    "record_denial",
    "record_error",
    "record_refusal",
]
