"""Refusals of the privacy app."""

from __future__ import annotations

from chatsec.core.errors import Conflict, Denied, NotFound


class ConsentRequired(Denied):
    """The purpose rests on consent, and there is none."""

    default_code = "consent_required"
    counts_as_denial = False

    def __init__(self, purpose: str) -> None:
        # The two extra fields are the shape that chat clients look for.
        super().__init__(
            "Consent required",
            error="Consent required",
            request_consent=True,
            purpose=purpose,
        )


class ReauthenticationRequired(Denied):
    """The sign-in is too old to speak for the data subject."""

    default_code = "reauthentication_required"
    counts_as_denial = False


class NotConsentBased(Conflict):
    """The purpose does not rest on consent, so there is nothing to switch."""

    default_code = "not_consent_based"


class RequestOpenAlready(Conflict):
    """The person has an open request of this kind."""

    default_code = "request_open_already"


class ExportNotReady(Conflict):
    """The export is not there yet."""

    default_code = "export_not_ready"


class ExportGone(NotFound):
    """The export has expired, or was downloaded as often as it may be."""

    default_code = "export_gone"
