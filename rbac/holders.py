"""Who has roles, over everybody."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from rbac.models import Assignment


def list_active_assignments(*, now: datetime) -> QuerySet[Assignment, Assignment]:
    """Return everybody's assignments that count at the moment."""
    return Assignment.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=now),
        valid_from__lte=now,
        revoked_at__isnull=True,
    ).order_by()
