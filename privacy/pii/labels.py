"""What a finding is: a labelled stretch of the original text."""

import re
from dataclasses import dataclass
from enum import StrEnum

# What our own operators write. It is never personal data and nothing spans it, so
# redacting a redacted text changes nothing.
PLACEHOLDER = re.compile(
    r"\[[A-Z][A-Z_]{1,40}_REDACTED\]"
    r"|<[A-Z][A-Z_]{1,40}(?:_\d{1,6}|:[0-9a-f]{16}|:v1\.[A-Za-z0-9_-]{38,100000})>"
)


class Label(StrEnum):
    """Kinds of personal data that the built-in recognizers report."""

    PERSON = "PERSON"
    ADDRESS = "ADDRESS"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    SSN = "SSN"  # any national identification number
    CREDIT_CARD = "CREDIT_CARD"
    IBAN = "IBAN"
    IP = "IP"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    EMPLOYEE_ID = "EMPLOYEE_ID"
    ACCOUNT = "ACCOUNT"
    PASSPORT = "PASSPORT"
    DRIVER_LICENSE = "DRIVER_LICENSE"
    MEDICAL = "MEDICAL"
    BIOMETRIC = "BIOMETRIC"
    GEO = "GEO"
    URL = "URL"
    USERNAME = "USERNAME"
    SECRET = "SECRET"  # noqa: S105 - the label's name, not a secret


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters ``start`` to ``end`` of the text are a ``label``, with a 0-1 score.

    ``label`` is a :class:`Label` or the label of an administrator's recognizer.
    """

    start: int
    end: int
    label: str
    score: float
