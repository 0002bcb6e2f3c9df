"""The database of tests and measurements: copies of one migrated template."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.management import call_command
from django.test import TestCase

from chatsec.embedded.copies import Copies, close_connections, use

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
DATABASE = f"test_chatsec_{WORKER}"
TEMPLATE = f"template_chatsec_{WORKER}"
SHARED = f"shared_chatsec_{WORKER}"
COPIES: Final = Copies(durable=False)

__all__ = ["build_template", "close_connections", "copy_template", "drop_all"]


def build_template() -> None:
    """Migrate a new template as the owner; afterwards connections use its copy."""
    COPIES.create(TEMPLATE)
    use(TEMPLATE)
    call_command("migrate", verbosity=0, interactive=False)
    use(DATABASE)
    copy_template()


def copy_template(name: str = DATABASE) -> None:
    """Throw the database away and copy the template anew."""
    COPIES.copy(TEMPLATE, name)


@contextmanager
def shared_copy() -> Iterator[str]:
    """Work on a copy that outlives single tests, for processes that keep it open."""
    copy_template(SHARED)
    use(SHARED)
    try:
        yield SHARED
    finally:
        use(DATABASE)
        COPIES.drop(SHARED)


@contextmanager
def underneath() -> Iterator[None]:
    """Keep what the block makes under the tests that follow, which roll back to it."""
    atomics = TestCase._enter_atomics()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        TestCase._rollback_atomics(atomics)  # type: ignore[attr-defined]


def drop_all() -> None:
    """Leave no database of this run behind."""
    COPIES.drop(DATABASE, TEMPLATE)
