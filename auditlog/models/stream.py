"""Streams of sealed events to other systems, such as a SIEM."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from auditlog.models.choices import choices
from chatsec.core.crypto import Place, derived_key, open_sealed, seal

STREAM_FORMATS = ("jsonl", "ocsf")
STREAM_CONTENTS = ("clear", "opened")


class EventStream(models.Model):
    """One receiver: what it is sent, how far it has come, and the batch on its way.

    The cursor is a place in the chain of seals, so what is not sealed is never sent and
    what is sealed is never passed over.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    # Sealed: addresses of receivers often carry a token.
    url_sealed = models.BinaryField()
    secret_sealed = models.BinaryField()
    format = models.CharField(
        max_length=8, choices=choices(STREAM_FORMATS), default="ocsf"
    )
    # Opened adds names and details; what has left is not erased with a person's key.
    contents = models.CharField(
        max_length=8, choices=choices(STREAM_CONTENTS), default="clear"
    )
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    # The next event to deliver: how many events into which seal.
    seal_number = models.BigIntegerField(default=1)
    position = models.PositiveIntegerField(default=0)
    # The batch on its way ends before this place. It is kept, so that a second try
    # sends the same events under the same id.
    batch_id = models.UUIDField(null=True)
    batch_seal_number = models.BigIntegerField(null=True)
    batch_position = models.PositiveIntegerField(null=True)
    # Who is sending, and until when nobody else does.
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    # What kind of failure the last one was: no address, no answer's words.
    last_error = models.CharField(max_length=80, blank=True)
    delivered_at = models.DateTimeField(null=True)
    delivered = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(format__in=STREAM_FORMATS), name="stream_format"
            ),
            models.CheckConstraint(
                condition=models.Q(contents__in=STREAM_CONTENTS),
                name="stream_contents",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    batch_id=None, batch_seal_number=None, batch_position=None
                )
                | models.Q(
                    batch_id__isnull=False,
                    batch_seal_number__isnull=False,
                    batch_position__isnull=False,
                ),
                name="stream_batch_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """Return where events are sent, opened."""
        return self._opened("url_sealed")

    @url.setter
    def url(self, text: str) -> None:
        self.url_sealed = self._sealed(text, "url_sealed")

    @property
    def secret(self) -> str:
        """Return what messages are signed with, opened."""
        return self._opened("secret_sealed")

    @secret.setter
    def secret(self, text: str) -> None:
        self.secret_sealed = self._sealed(text, "secret_sealed")

    def _sealed(self, text: str, column: str) -> bytes:
        return seal(_key(), text.encode(), associated_data=self._bound_to(column))

    def _opened(self, column: str) -> str:
        blob = bytes(getattr(self, column))
        return open_sealed(
            _key(), blob, associated_data=self._bound_to(column)
        ).decode()

    def _bound_to(self, column: str) -> bytes:
        return Place("auditlog.EventStream", column, self.id).associated_data("")


def _key() -> bytes:
    return derived_key("auditlog.stream")
