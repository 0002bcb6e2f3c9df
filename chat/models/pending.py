"""What waits: a code, a missing slot, a repeated request; and recorded actions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7

from chat.models.conversations import Conversation, Message


class PendingKind(models.TextChoices):
    """What a pending question waits for."""

    STEP_UP = "step_up"
    SLOT = "slot"


class PendingQuestion(models.Model):
    """A question that goes on once its owner shows a factor or fills a slot."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=7, choices=PendingKind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    session_id = models.UUIDField(null=True)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="pending_questions"
    )
    # The challenge of accounts; a slot needs none.
    challenge_id = models.UUIDField(null=True, unique=True)
    plan_sealed = models.BinaryField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=PendingKind.SLOT)
                | models.Q(challenge_id__isnull=False),
                name="step_up_has_challenge",
            ),
            # A new question takes the place of the one before it.
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(answered_at__isnull=True),
                name="one_open_question",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class IdempotencyState(models.TextChoices):
    """Whether the first request with a key has been answered."""

    IN_FLIGHT = "in_flight"
    ANSWERED = "answered"


class IdempotencyRecord(models.Model):
    """The first use of an Idempotency-Key in a conversation, kept for a day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    key_digest = models.BinaryField(max_length=32)
    body_digest = models.BinaryField(max_length=32)
    state = models.CharField(max_length=9, choices=IdempotencyState.choices)
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE)
    # The step-up that the answer asked for, told again to who repeats the request.
    pending = models.ForeignKey(PendingQuestion, null=True, on_delete=models.SET_NULL)
    locked_until = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "key_digest"], name="one_record_a_key"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class RecordedAction(models.Model):
    """An action that a user was allowed to order; company systems carry it out.

    The business database is read only for chatsec, so an approved discount or a new
    sales note is handed over as a record.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    query = models.CharField(max_length=63, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    parameters_sealed = models.BinaryField(editable=False)
    created_at = models.DateTimeField(editable=False)

    def __str__(self) -> str:
        return f"{self.query} {self.id}"
