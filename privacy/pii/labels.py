"""What a finding is: a labelled stretch of the original text."""

from dataclasses import dataclass
from enum import StrEnum


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
