"""The event log.

`Event` has no foreign keys on purpose: deleting a person or a thing must change
nothing here. Rows are written by `auditlog.services` alone and never changed.
"""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from auditlog.constants import CATEGORIES, OUTCOMES, SEVERITIES
from auditlog.models.choices import choices


class Event(models.Model):
    """One thing that happened. Clear columns hold pseudonyms, the rest is sealed.

    The table is partitioned by category, then time; its key in the database is
    (event_id, category, occurred_at).
    """

    event_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    category = models.TextField(choices=choices(CATEGORIES))
    occurred_at = models.DateTimeField()
    event_type = models.TextField()
    severity = models.TextField(choices=choices(SEVERITIES))
    outcome = models.TextField(choices=choices(OUTCOMES))
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
    # Where the request came from. NULL and '' are unknown, which is no place, and so
    # equal to nothing. Rows of schema version 1 have none of them.
    network_hash = models.BinaryField(null=True)
    device_hash = models.BinaryField(null=True)
    country = models.TextField(null=True)  # noqa: DJ001 - NULL is hashed otherwise

    class Meta:
        db_table = "auditlog_event"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"
