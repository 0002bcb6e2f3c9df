"""So many exports at once in the whole installation, and no place lost for ever."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from auditlog.models import ExportPlace
from chatsec.core.errors import TooMany

# Each holds a thread of the web server while it runs.
AT_ONCE: Final = 3
# Longer than one part takes to be read and sent.
LEASE: Final = timedelta(minutes=2)
RENEW_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 30
_ONE_AT_A_TIME: Final = (
    "SELECT pg_advisory_xact_lock(hashtext('chatsec export places'))"
)


class PlaceLost(Exception):
    """The lease ran out and somebody else has the place: stop here."""


@dataclass(slots=True)
class HeldPlace:
    """A place that this process holds, as long as it keeps renewing it."""

    id: UUID
    renewed_at: float = field(default_factory=time.monotonic)

    def keep(self, *, now: datetime | None = None) -> None:
        """Renew the lease when it is time to; raise PlaceLost."""
        if time.monotonic() - self.renewed_at < RENEW_SECONDS:
            return
        until = (now or timezone.now()) + LEASE
        if not ExportPlace.objects.filter(pk=self.id).update(leased_until=until):
            raise PlaceLost
        self.renewed_at = time.monotonic()

    def leave(self) -> None:
        """Give the place back."""
        ExportPlace.objects.filter(pk=self.id).delete()


def take_place(*, now: datetime) -> HeldPlace:
    """Return a place, leased; raise TooMany while all of them are held.

    Places whose lease has ended are given to whoever asks next.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME)
        ExportPlace.objects.filter(leased_until__lte=now).delete()
        if ExportPlace.objects.count() >= AT_ONCE:
            message = "Other exports are running."
            raise TooMany(message, retry_after_seconds=RETRY_SECONDS)
        place = ExportPlace.objects.create(leased_until=now + LEASE)
    return HeldPlace(place.id)
