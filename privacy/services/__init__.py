"""Writes of the privacy app, by subject."""

from privacy.services.consent import give_consent, publish_notice, withdraw_consent
from privacy.services.processing import record_collection, require_basis

__all__ = [
    "give_consent",
    "publish_notice",
    "record_collection",
    "require_basis",
    "withdraw_consent",
]
