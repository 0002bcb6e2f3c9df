"""Conversations and their messages, sealed under their owner's key."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7


class Conversation(models.Model):
    """A thread of questions that belongs to one user; colleagues may be let in."""

    # Nobody else gives or takes these, whatever his roles.
    given_by_owner = frozenset({"view_conversation"})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title_sealed = models.BinaryField(null=True, editable=False)
    channel = models.CharField(max_length=12, editable=False)
    created_at = models.DateTimeField(editable=False)
    last_message_at = models.DateTimeField(editable=False)
    message_count = models.PositiveIntegerField(default=0, editable=False)
    delete_on = models.DateField(db_index=True, editable=False)

    class Meta:
        ordering = ["-last_message_at", "-id"]
        indexes = [
            models.Index(
                fields=["owner", "-last_message_at", "-id"],
                name="conversation_by_owner",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class MessageRole(models.TextChoices):
    """Who said it."""

    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(models.TextChoices):
    """How a question was answered."""

    ASKED = "asked"
    ANSWERED = "answered"
    DENIED = "denied"
    MFA_REQUIRED = "mfa_required"
    CONSENT_REQUIRED = "consent_required"
    CLARIFY = "clarify"
    OUT_OF_SCOPE = "out_of_scope"
    BLOCKED = "blocked"


class Message(models.Model):
    """One message; its figures are kept apart from it and released at each reading."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    position = models.PositiveIntegerField(editable=False)
    role = models.CharField(max_length=9, choices=MessageRole.choices, editable=False)
    status = models.CharField(
        max_length=16, choices=MessageStatus.choices, editable=False
    )
    # What was said without figures, redacted; and apart from it what was released.
    text_sealed = models.BinaryField(editable=False)
    slots_sealed = models.BinaryField(null=True, editable=False)
    figures_sealed = models.BinaryField(null=True, editable=False)
    released_by = models.JSONField(null=True, editable=False)
    query = models.CharField(max_length=63, blank=True, editable=False)
    row_count = models.PositiveIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    delete_on = models.DateField(db_index=True, editable=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "position"], name="message_position"
            ),
            models.CheckConstraint(
                condition=models.Q(figures_sealed__isnull=True)
                | models.Q(released_by__isnull=False),
                name="figures_say_what_allowed_them",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
