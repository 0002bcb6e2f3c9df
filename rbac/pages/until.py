"""How long a role is given for, in an administrator's words."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import TextChoices

FRIDAY = 4
CLOSING = time(18, 0)


class Until(TextChoices):
    """The ends that are offered."""

    FRIDAY = "friday", "until Friday 18:00"
    WEEK = "week", "for a week"
    MONTH = "month", "for a month"
    DATE = "date", "until the end of a day"
    OPEN = "open", "without end"


def moment_of(choice: Until, *, now: datetime, on: date | None) -> datetime | None:
    """Return when it ends, in the organisation's time zone; None for no end."""
    zone = ZoneInfo(settings.CHATSEC_TIME_ZONE)
    local = now.astimezone(zone)
    match choice:
        case Until.FRIDAY:
            return _next_friday(local)
        case Until.WEEK:
            return local + timedelta(weeks=1)
        case Until.MONTH:
            return _month_later(local)
        case Until.DATE if on is not None:
            return datetime.combine(on, time(), zone) + timedelta(days=1)
        case _:
            return None


def worded(moment: datetime) -> str:
    """Return the moment as the organisation's clock shows it."""
    local = moment.astimezone(ZoneInfo(settings.CHATSEC_TIME_ZONE))
    return f"{local:%A, {local.day} %B %Y, %H:%M %Z}"


def _next_friday(local: datetime) -> datetime:
    day = local.date() + timedelta(days=(FRIDAY - local.weekday()) % 7)
    end = datetime.combine(day, CLOSING, local.tzinfo)
    return end if end > local else end + timedelta(weeks=1)


def _month_later(local: datetime) -> datetime:
    year, month = divmod(local.year * 12 + local.month, 12)
    last = monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))
