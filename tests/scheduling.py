"""Which tests of a parallel run stay with one worker, and which begin first.

pytest-xdist's own groups travel in the names of tests, which pytest 9.2 does not change
that way any more: the marks have no effect and nothing says so. Paths need no marks.
"""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has none

# Their tests share servers, walks over all routes, a browser or engines, which one
# worker starts, or makes, once.
TOGETHER: Final = (
    "tests/security/processes",
    "tests/security",
    "tests/browser",
    "chatsec/embedded/tests",
)
# The longest begin first, so that no worker waits for another at the end.
FIRST: Final = (
    "tests/security/processes",
    "tests/security",
    "tests/browser",
    "chatsec/site/tests/test_dev.py",
    "auditlog/tests/test_faults.py",
    "chatsec/embedded/tests",
    "auditlog/tests/test_durability.py",
    "chatsec/drill/tests/test_modes.py",
)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Hand out files, and directories that share something, as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def _assign_work_unit(self, node) -> None:
        if not any(self.assigned_work.values()):
            self._sort()
        super()._assign_work_unit(node)

    def _sort(self) -> None:
        for unit in in_order(
            {unit: len(known) for unit, known in self.workqueue.items()}
        ):
            self.workqueue.move_to_end(unit)


def unit_of(name: str) -> str:
    """Return what the test of that name belongs to: a directory, or else its file."""
    path = name.partition("::")[0]
    return next((place for place in TOGETHER if path.startswith(f"{place}/")), path)


def in_order(counts: dict[str, int]) -> list[str]:
    """Return the units, the long ones first, then by how many tests each has."""

    def place(unit: str) -> tuple[int, int]:
        return FIRST.index(unit) if unit in FIRST else len(FIRST), -counts[unit]

    return sorted(counts, key=place)
