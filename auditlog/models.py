"""The event log and the alerts raised on it.

`Event` has no foreign keys on purpose: deleting a person or a thing must change
nothing here. Rows are written by `auditlog.services` alone and never changed.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from uuid_utils.compat import uuid7

from auditlog.constants import (
    ALERT_STATES,
    CATEGORIES,
    OUTCOMES,
    SEAL_KINDS,
    SEVERITIES,
)


def _choices(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(value, value.replace("_", " ")) for value in values]


class Event(models.Model):
    """One thing that happened. Clear columns hold pseudonyms, the rest is sealed.

    The table is partitioned by category, then time; its key in the database is
    (event_id, category, occurred_at).
    """

    event_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    category = models.TextField(choices=_choices(CATEGORIES))
    occurred_at = models.DateTimeField()
    event_type = models.TextField()
    severity = models.TextField(choices=_choices(SEVERITIES))
    outcome = models.TextField(choices=_choices(OUTCOMES))
    actor_kind = models.TextField()
    actor_pseudonym = models.UUIDField(null=True)
    subject_pseudonym = models.UUIDField(null=True)
    channel = models.TextField()
    session_hash = models.BinaryField(null=True)
    ip_hash = models.BinaryField(null=True)
    request_id = models.TextField()
    resource_type = models.TextField()
    resource_id = models.TextField()
    classification = models.TextField()
    result_count = models.IntegerField(null=True)
    # Sealed under the actor's key; under the category's when nobody is signed in.
    details = models.BinaryField(null=True)
    # Sealed under the key of the person that the event is about.
    subject_details = models.BinaryField(null=True)
    redacted = models.BooleanField(default=False)
    redaction_count = models.IntegerField(default=0)
    expires_at = models.DateTimeField()
    schema_version = models.SmallIntegerField()
    # The writing transaction: sealing follows it, because ids do not commit in order.
    xid = models.BigIntegerField()
    # The database cluster that the transaction id belongs to.
    epoch = models.SmallIntegerField(default=1)

    class Meta:
        db_table = "auditlog_event"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class Seal(models.Model):
    """One signed record of the chain; most of them hold a batch of events' hashes."""

    number = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=12, choices=_choices(SEAL_KINDS))
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


class Alert(models.Model):
    """One episode of one person's behaviour that crossed a detection rule."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.CharField(max_length=60)
    # Rule, actor and start: the same episode found twice is one row.
    fingerprint = models.CharField(max_length=64, unique=True)
    actor_pseudonym = models.UUIDField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    state = models.CharField(
        max_length=12, choices=_choices(ALERT_STATES), default="open"
    )
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["rule", "actor_pseudonym", "last_at"], name="alert_episode"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=ALERT_STATES), name="alert_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(last_at__gte=models.F("first_at")),
                name="alert_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} ({self.count})"
