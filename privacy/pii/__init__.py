"""Finds personal data in text and takes it out: plain Python, no downloaded model.

``detect`` tells where, ``redact`` writes something else there, ``StreamRedactor`` does
it in chunks, ``redact_json`` in structured values, ``redact_record_text`` in log lines.
"""

from privacy.pii.labels import Label, Span
from privacy.pii.operators import KeyedToken, Operator, Vault, Vocabulary
from privacy.pii.policy import InvalidRecognizer, Policy, Recognizer
from privacy.pii.redaction import (
    Redaction,
    StreamRedactor,
    detect,
    redact,
    redact_with_report,
)
from privacy.pii.structured import redact_json, redact_record_text

__all__ = [
    "InvalidRecognizer",
    "KeyedToken",
    "Label",
    "Operator",
    "Policy",
    "Recognizer",
    "Redaction",
    "Span",
    "StreamRedactor",
    "Vault",
    "Vocabulary",
    "detect",
    "redact",
    "redact_json",
    "redact_record_text",
    "redact_with_report",
]
