"""Answers that leave at the same time, whoever they are about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from chatsec.core.errors import TooMany


def clock() -> float:
    """Return now, for the `since` of `answered_after`."""
    return monotonic()


@contextmanager
def answered_after(
    seconds: float, *, since: float | None = None, only_failures: bool = False
) -> Iterator[None]:
    """Let nobody out earlier than `seconds` after he came in, or after `since`.

    Who is sent away because of too many tries leaves at once: that is the same for
    every name, and whoever is kept waiting holds a thread. For the same reason the
    caller holds a place (`accounts.places`).
    """
    begun = monotonic() if since is None else since
    try:
        yield
    except TooMany:
        raise
    except Exception:
        _sleep_until(begun + seconds)
        raise
    if not only_failures:
        _sleep_until(begun + seconds)


def _sleep_until(moment: float) -> None:
    sleep(max(0.0, moment - monotonic()))
