"""Events in the Open Cybersecurity Schema Framework, version 1.8.0."""

from __future__ import annotations

from auditlog.ocsf.document import ocsf_document

__all__ = ["ocsf_document"]
