"""Why personal data is processed, what people were told, and what they agreed to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class LawfulBasis(models.TextChoices):
    """The six bases of Article 6(1) GDPR."""

    CONSENT = "consent", "Consent"
    CONTRACT = "contract", "Performance of a contract"
    LEGAL_OBLIGATION = "legal_obligation", "Legal obligation"
    VITAL_INTERESTS = "vital_interests", "Vital interests"
    PUBLIC_TASK = "public_task", "Public task"
    LEGITIMATE_INTEREST = "legitimate_interest", "Legitimate interest"


class Purpose(models.Model):
    """One reason to process personal data, with the basis that allows it."""

    key = models.SlugField(primary_key=True, max_length=64)
    title = models.CharField(max_length=120)
    description = models.TextField()
    basis = models.CharField(max_length=32, choices=LawfulBasis.choices)
    # People may say no to it, and it is off until they say yes.
    optional = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "key")
        constraints = (
            # Consent that cannot be refused is none (Article 7(4)).
            models.CheckConstraint(
                name="privacy_purpose_consent_is_optional",
                condition=Q(basis="consent", optional=True)
                | (~Q(basis="consent") & Q(optional=False)),
            ),
            models.CheckConstraint(
                name="privacy_purpose_basis_known",
                condition=Q(basis__in=LawfulBasis.values),
            ),
        )

    def __str__(self) -> str:
        return self.title


class NoticeVersion(models.Model):
    """The privacy notice as it was published; never changed afterwards."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    body = models.TextField()
    published_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ("-published_at", "-id")
        verbose_name = "privacy notice"

    def __str__(self) -> str:
        return f"{self.published_at:%Y-%m-%d} {self.sha256[:12]}"


class ConsentEvent(models.Model):
    """One yes or no, under the notice that was shown; the ledger is append-only.

    It knows the person by pseudonym only: erasing the person cuts that off and leaves
    the proof that consent was asked for (Article 7(1)).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    pseudonym = models.UUIDField(db_index=True)
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT, related_name="+")
    notice = models.ForeignKey(
        NoticeVersion, on_delete=models.PROTECT, related_name="+"
    )
    granted = models.BooleanField()
    channel = models.CharField(max_length=16)
    occurred_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.purpose_id}: {'given' if self.granted else 'withdrawn'}"


class ConsentState(models.Model):
    """What a person says now about one purpose."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No foreign key: nobody's consent should go, or block, because a user row goes.
    subject_id = models.UUIDField()
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT, related_name="+")
    granted = models.BooleanField(default=False)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="privacy_one_state_per_purpose", fields=("subject_id", "purpose")
            ),
        )

    def __str__(self) -> str:
        return f"{self.purpose_id}: {'yes' if self.granted else 'no'}"
