"""The chain of seals over the event log, and where its heads were left."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import models
from uuid_utils.compat import uuid7

from auditlog.constants import SEAL_KINDS
from auditlog.models.choices import choices


class Seal(models.Model):
    """One signed record of the chain; most of them hold a batch of events' hashes."""

    number = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=12, choices=choices(SEAL_KINDS))
    sealed_at = models.DateTimeField()
    epoch = models.SmallIntegerField()
    key_id = models.CharField(max_length=64)
    count = models.PositiveIntegerField(default=0)
    root = models.BinaryField(max_length=32)
    # Canonical JSON: the window, the partitions, or what else the kind says.
    body = models.TextField()
    previous = models.BinaryField(max_length=32)
    head = models.BinaryField(max_length=32, unique=True)
    signature = models.BinaryField(max_length=64)
    # Transactions in [xid_from, xid_below) of the epoch are in this seal.
    xid_from = models.BigIntegerField(null=True)
    xid_below = models.BigIntegerField(null=True)
    # 16 and 32 bytes for each event, ordered by partition and id.
    event_ids = models.BinaryField(null=True)
    leaves = models.BinaryField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["kind", "number"], name="seal_by_kind")]
        constraints = [
            models.UniqueConstraint(
                fields=["epoch", "xid_from"], name="seal_one_per_window"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=SEAL_KINDS), name="seal_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"seal {self.number} ({self.kind})"

    def named(self) -> dict[str, Any]:
        """Return what the seal says, decoded."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def made_at(self) -> datetime:
        """Return when it was made by the sealer's clock.

        `sealed_at` never goes back; a clock that was set back does.
        """
        try:
            return datetime.fromisoformat(str(self.named()["clock"]))
        except (ValueError, KeyError, TypeError):
            return self.sealed_at


class Anchor(models.Model):
    """A head that was handed to somebody outside of the database."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField()
    head = models.BinaryField(max_length=32)
    sink = models.CharField(max_length=200)
    anchored_at = models.DateTimeField()
    receipt = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["sink", "number"], name="anchor_by_sink")]

    def __str__(self) -> str:
        return f"seal {self.number} at {self.sink}"
