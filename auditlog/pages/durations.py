"""Spans of time as people say them."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


def worded(seconds: float | None) -> str:
    """Return the span with its two largest units; a dash where there is none."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"
