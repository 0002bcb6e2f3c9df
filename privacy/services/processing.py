"""The gate before data is collected, and the evidence that it was passed."""

from __future__ import annotations

from uuid import UUID

from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Denied
from privacy import events, selectors
from privacy.errors import ConsentRequired
from privacy.models import LawfulBasis


def require_basis(subject_id: UUID | None, purpose: str) -> LawfulBasis:
    """Return the basis on which `purpose` may be served; raise ConsentRequired."""
    basis = LawfulBasis(selectors.get_purpose(purpose).basis)
    if selectors.has_basis(subject_id, purpose):
        return basis
    if basis is LawfulBasis.CONSENT:
        raise ConsentRequired(purpose)
    raise Denied("There is no lawful basis for this.", code="no_lawful_basis")


def record_collection(
    actor: Actor,
    *,
    data_type: str,
    purpose: str,
    legal_basis: str | None = None,
    subject_id: UUID | None = None,
) -> UUID:
    """Write that data of `data_type` was collected, why, and on which basis.

    Raises ConsentRequired when the purpose rests on consent and the subject (the actor
    unless named) gave none, so calling it first is the gate. A basis that the caller
    names must be the register's.
    """
    subject = subject_id or actor.id
    basis = require_basis(subject, purpose)
    if legal_basis not in (None, basis.value):
        raise Denied("The register names another basis.", code="no_lawful_basis")
    return record(
        events.DATA_COLLECTED,
        actor=actor,
        target=Target("purpose", purpose),
        subject_id=subject,
        details={
            "data_type": data_type,
            "purpose": purpose,
            "legal_basis": basis.value,
        },
    )
