"""What Article 15(1) asks for besides the copy itself."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration
from privacy.models import NoticeVersion, Purpose, RetentionPolicy

RIGHTS: list[Json] = [
    "Rectification (Article 16)",
    "Erasure (Article 17)",
    "Restriction of processing (Article 18)",
    "Data portability (Article 20)",
    "Objection (Article 21)",
    "Withdrawal of consent at any time (Article 7(3))",
    "Complaint to a supervisory authority (Article 77)",
]


def about(declared: Sequence[Declaration], *, notice: NoticeVersion) -> dict[str, Json]:
    """Return every block of Article 15(1)(a)-(h), (2), filled from the registers."""
    return {
        "controller": str(settings.CHATSEC_ORGANISATION),
        "purposes": _purposes(declared),
        "categories": [
            {"model": each.model, "part": each.part, "holds": each.holds}
            for each in declared
        ],
        "recipients": [
            "People in the organisation whose role allows it",
            "Nobody outside the organisation, unless the privacy notice names them",
        ],
        "retention": _retention(declared),
        "rights": RIGHTS,
        "source": "You, your organisation's directory, and your use of the service",
        "automated_decisions": (
            "Access to data follows from your roles. No decision with a legal effect "
            "on you is made without a person (Article 22)."
        ),
        "transfers": "None outside of the organisation's own systems",
        "kept_after_erasure": _kept(declared),
        "notice": {
            "sha256": notice.sha256,
            "published_at": notice.published_at.isoformat(),
            "body": notice.body,
        },
    }


def _purposes(declared: Sequence[Declaration]) -> list[Json]:
    used = {key for each in declared for key in each.purposes}
    return [
        {
            "key": purpose.key,
            "title": purpose.title,
            "description": purpose.description,
            "legal_basis": purpose.basis,
            "basis_in_words": purpose.get_basis_display(),
        }
        for purpose in Purpose.objects.filter(key__in=used)
    ]


def _retention(declared: Sequence[Declaration]) -> list[Json]:
    days = dict(RetentionPolicy.objects.values_list("key", "days"))
    return [
        {
            "model": each.model,
            "kept": (
                f"{days[each.retention]} days"
                if each.retention in days
                else "as long as you have an account"
            ),
        }
        for each in declared
    ]


def _kept(declared: Sequence[Declaration]) -> list[Json]:
    kept: list[Json] = [
        {"model": each.model, "reason": each.keep_reason}
        for each in declared
        if each.keep_reason
    ]
    return kept
