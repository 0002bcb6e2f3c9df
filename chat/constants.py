"""Figures and sentences that clients rely on."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

MAX_MESSAGE_LENGTH: Final = 4_000
MAX_TITLE_LENGTH: Final = 120
CHAT_LOG_DAYS: Final = 90
# The smallest group of persons whose figures may be shown.
SMALLEST_GROUP: Final = 5
# How long the groups that somebody was shown are held against what he asks next.
RELEASES_REMEMBERED_FOR: Final = timedelta(hours=24)
MAX_REMEMBERED_GROUPS: Final = 300
# Units of one aggregate answer: what a person has in a cell of the finest grid.
MAX_UNITS: Final = 50_000
STEP_UP_VALID_FOR: Final = timedelta(minutes=5)
FORM_TURN_VALID_FOR: Final = timedelta(minutes=10)
IDEMPOTENCY_VALID_FOR: Final = timedelta(hours=24)
IDEMPOTENCY_LEASE: Final = timedelta(seconds=60)
MAX_IDEMPOTENCY_KEY: Final = 255
DEFAULT_TIMEOUT_MS: Final = 2_000
MAX_TIMEOUT_MS: Final = 10_000
DEFAULT_MAX_ROWS: Final = 200
MAX_MAX_ROWS: Final = 1_000
AGGREGATE_SUFFIX: Final = "_aggregate"
PII_PERMISSION: Final = "read_pii"
ANSWERING_PURPOSE: Final = "answer_questions"

NO_LONGER_SHOWN: Final = "[no longer shown]"
INSUFFICIENT: Final = "Insufficient permissions"
MFA_MESSAGE: Final = (
    "This operation requires additional verification. "
    "Please enter the code from your authenticator app."
)
INVALID_CODE_MESSAGE: Final = "Invalid verification code"
LOGIN_MESSAGE: Final = "Please log in to use the chatbot"
FAILED_MESSAGE: Final = "This could not be answered safely, so nothing was shown."
OUT_OF_SCOPE_MESSAGE: Final = (
    "I did not find a question that I can answer in that. "
    "Ask about the company's data, or say “help”."
)
CLARIFY_MESSAGE: Final = "Did you mean one of these?"
BLOCKED_MESSAGE: Final = (
    "This message looks like an attempt to change how I work, so I did not process it."
)


def denied_message(resource_type: str) -> str:
    """Return the sentence for a refusal; it never says whether there is such data."""
    return (
        f"You don't have access to {resource_type} data. "
        "Contact your administrator if you need access."
    )
