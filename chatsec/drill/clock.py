"""The clock of a drill: the whole process believes that it is another moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Protocol


class Clock(Protocol):
    """What can be set to a moment."""

    def move_to(self, destination: float) -> None:
        """Go on from that moment."""
        ...


@contextmanager
def moved(at: float) -> Iterator[Clock]:
    """Set the clock of this process to `at`; it runs on from there until moved again.

    Both `datetime.now` and `time.time` follow, so every part of chatsec that asks what
    time it is gets the same answer. The package is one of the development tools.
    """
    tool = import_module("time_machine")
    with tool.travel(at, tick=True) as clock:
        yield clock
