"""Writes of the audit log. Other apps use `record`, `record_refusal`, `Target`.

`record_repeated` is for refusals that somebody can provoke as fast as he likes.
"""

from __future__ import annotations

from auditlog.services.denials import record_denial
from auditlog.services.failures import record_error
from auditlog.services.recording import Evidence, Target, record
from auditlog.services.refusals import record_refusal
from auditlog.services.repeating import record_repeated
from auditlog.services.turns import Pace

__all__ = [
    "Evidence",
    "Pace",
    "Target",
    "record",
    "record_denial",
    "record_error",
    "record_refusal",
    "record_repeated",
]
