"""Whether the log is being sealed."""

from __future__ import annotations

from django.utils import timezone

from auditlog.constants import SEALER_PATIENCE
from auditlog.models import Event, Seal


def is_sealed() -> bool:
    """Whether the sealer works: its last seal is not older than three minutes."""
    last = Seal.objects.defer("event_ids", "leaves").order_by("-number").first()
    if last is None:
        # A log that was never sealed is being set up, unless it has a past.
        return not Event.objects.filter(
            occurred_at__lt=timezone.now() - SEALER_PATIENCE
        ).exists()
    # None lies ahead of us either: after a clock was set back one is made at once.
    return abs(timezone.now() - last.made_at) < SEALER_PATIENCE
