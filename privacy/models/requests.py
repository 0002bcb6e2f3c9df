"""What people ask for under data protection law, and the work on it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class RequestKind(models.TextChoices):
    """The rights of Articles 15 to 21 GDPR, and the opt-out of CCPA 1798.120."""

    ACCESS = "access", "A copy of my data"
    PORTABILITY = "portability", "My data to take elsewhere"
    ERASURE = "erasure", "Erase my data"
    RECTIFICATION = "rectification", "Correct my data"
    RESTRICTION = "restriction", "Restrict the use of my data"
    OBJECTION = "objection", "Object to a use of my data"
    OPT_OUT = "opt_out", "Do not sell or share my data"


# What chatsec answers by itself; the others wait for an administrator.
AUTOMATIC_KINDS = (RequestKind.ACCESS, RequestKind.PORTABILITY)


class RequestState(models.TextChoices):
    """Where a request stands."""

    RECEIVED = "received", "Received"
    RUNNING = "running", "Being prepared"
    FAILED = "failed", "Stopped, an administrator looks at it"
    COMPLETED = "completed", "Completed"
    REFUSED = "refused", "Refused"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (RequestState.RECEIVED, RequestState.RUNNING, RequestState.FAILED)


class SubjectRequest(models.Model):
    """One request of one person, with the day by which it must be answered."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No foreign key: that a request was answered is provable after an erasure.
    subject_id = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=16, choices=RequestKind.choices)
    state = models.CharField(
        max_length=16, choices=RequestState.choices, default=RequestState.RECEIVED
    )
    # How the person proved who they are: recent sign-in, step-up or password.
    identity_proof = models.CharField(max_length=16)
    channel = models.CharField(max_length=16)
    received_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(db_index=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    resolution = models.TextField(blank=True, default="")
    # The worker that may go on with it. A killed worker's lease runs out.
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    last_error = models.CharField(
        max_length=120, blank=True, default="", editable=False
    )

    class Meta:
        ordering = ("-id",)
        verbose_name = "privacy request"
        constraints = (
            models.UniqueConstraint(
                name="privacy_one_open_request_of_a_kind",
                fields=("subject_id", "kind"),
                condition=Q(state__in=("received", "running", "failed")),
            ),
            models.CheckConstraint(
                name="privacy_refusal_has_a_reason",
                condition=~Q(state="refused") | ~Q(resolution=""),
            ),
            models.CheckConstraint(
                name="privacy_request_state_known",
                condition=Q(state__in=RequestState.values),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_state_display()})"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act on it."""
        return self.state in OPEN_STATES

    @property
    def is_automatic(self) -> bool:
        """Whether chatsec answers it without an administrator."""
        return self.kind in AUTOMATIC_KINDS


class TaskState(models.TextChoices):
    """Where one model's share of an export stands."""

    PENDING = "pending"
    DONE = "done"


class RequestTask(models.Model):
    """One declared model's share of an export; done ones are not done again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        SubjectRequest, on_delete=models.CASCADE, related_name="tasks"
    )
    model = models.CharField(max_length=120)
    part = models.CharField(max_length=32)
    state = models.CharField(
        max_length=16, choices=TaskState.choices, default=TaskState.PENDING
    )
    # How many rows were written; while pending, how far the last try has come.
    cursor = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    file_name = models.CharField(max_length=80, blank=True, default="")
    # Column names when every row is flat, else null (then there is no CSV).
    columns = models.JSONField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="privacy_one_task_per_model", fields=("request", "model")
            ),
        )

    def __str__(self) -> str:
        return f"{self.model}: {self.state}"


class ExportArtifact(models.Model):
    """The encrypted file a person may fetch, a few times, for a few days."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.OneToOneField(
        SubjectRequest, on_delete=models.CASCADE, related_name="artifact"
    )
    # Its own key, sealed under the person's: erasing the person closes the file too.
    sealed_key = models.BinaryField()
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, db_index=True)
    downloads_left = models.PositiveSmallIntegerField(default=0)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "export file"

    def __str__(self) -> str:
        return str(self.id)

    @property
    def file_name(self) -> str:
        """Return the name of the encrypted file in the exports directory."""
        return f"{self.id}.sealed"
