"""Figures of the privacy app."""

from datetime import timedelta
from typing import Final

# How fresh a sign-in must be to speak for the data subject (Article 12(6)).
RECENT_SIGN_IN: Final = timedelta(minutes=5)

EXPORT_LIFETIME: Final = timedelta(hours=72)
EXPORT_DOWNLOADS: Final = 3

# A worker that has not reported for this long is taken for dead.
LEASE: Final = timedelta(minutes=2)
# After so many tries a request waits for an administrator.
MAX_ATTEMPTS: Final = 5

# Requests of one kind a person may open in a day (Article 12(5): not excessive).
REQUESTS_A_DAY: Final = 10

MANAGE_PRIVACY: Final = "manage_privacy"

PARTS: Final = (
    "personal_info",
    "conversation_history",
    "query_analytics",
    "consents",
    "data_processing_log",
)
EXPORT_SCHEMA_VERSION: Final = 1
