"""The clock of Article 12(3): one calendar month."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime


def due_date(received_at: datetime) -> datetime:
    """Return the same hour one month on; the month's last day where there is none.

    31 January is due on 28 or 29 February (Regulation 1182/71, Article 3(2)(c)).
    """
    year, month = received_at.year, received_at.month + 1
    if month > 12:
        year, month = year + 1, 1
    last_day = monthrange(year, month)[1]
    day = min(received_at.day, last_day)
    return received_at.replace(year=year, month=month, day=day)
