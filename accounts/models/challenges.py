"""Second-factor questions that wait for their code."""

from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models.identities import ExternalIdentity, Origin
from accounts.models.sessions import AuthSession


class Challenge(models.Model):
    """One demand for a code: one user, one session, one operation, used once."""

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in", "Sign-in"
        STEP_UP = "step_up", "Step-up"
        ENROL = "enrol", "New passkey"

    # Random, not ordered by time: at sign-in the id itself proves the password.
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    session = models.ForeignKey(AuthSession, null=True, on_delete=models.CASCADE)
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    operation = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    failed_tries = models.PositiveSmallIntegerField(default=0)
    completed_at = models.DateTimeField(null=True)
    # How the first factor was shown (RFC 8176), and who vouched if it was not here.
    first_factor = ArrayField(models.CharField(max_length=8), default=list)
    identity = models.ForeignKey(ExternalIdentity, null=True, on_delete=models.CASCADE)
    sid_digest = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose="sign_in", session__isnull=True)
                | models.Q(purpose__in=["step_up", "enrol"], session__isnull=False),
                name="accounts_challenge_step_up_has_session",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.user_id}"

    @property
    def origin(self) -> Origin | None:
        """Return which identity signs in, where a provider vouched for it."""
        if self.identity is None:
            return None
        sid = self.sid_digest
        return Origin(self.identity, None if sid is None else bytes(sid))
