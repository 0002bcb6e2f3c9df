"""Databases that a drill may fill and throw away: evidence cannot be deleted.

Each is a copy of one that is prepared once, on the embedded server of a data directory
that belongs to the drill alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from chatsec.core import crypto
from chatsec.demo.business import seed_business
from chatsec.demo.catalogue import seed_catalogue
from chatsec.embedded.copies import Copies, close_connections, use

COPIES: Final = Copies()
# What is thrown away anyway need not survive a crash.
OPTIONS: Final[Mapping[str, str]] = {"synchronous_commit": "off"}

_turn: Final = count()


def prepare() -> str:
    """Migrate and fill the database that copies are made of; return its name."""
    if settings.PRODUCTION:
        raise ImproperlyConfigured("Drills are refused in production.")
    _sweep()
    template = f"chatsec_template_{_digest()}"
    if template not in COPIES.names():
        _build(template)
    _use(template)
    return template


@contextmanager
def copy_of(template: str, purpose: str) -> Iterator[str]:
    """Work on a fresh copy, whose name it gives; it is gone afterwards."""
    copy = _own(purpose)
    COPIES.copy(template, copy, OPTIONS)
    _use(copy)
    try:
        yield copy
    finally:
        _use(template)
        COPIES.drop(copy)


def let_go() -> None:
    """Hold no connection that a forked process would share."""
    close_connections()
    caches["default"].close()


def _build(template: str) -> None:
    unfinished = _own("template")
    COPIES.create(unfinished)
    _use(unfinished)
    call_command("migrate", verbosity=0, skip_checks=True)
    seed_business(settings.BUSINESS_OWNER_DATABASE_URL, sales=4000)
    seed_catalogue()
    close_connections()
    if template in COPIES.names():
        # Another drill on the same server was faster.
        COPIES.drop(unfinished)
    else:
        COPIES.rename(unfinished, template)


def _own(purpose: str) -> str:
    """Return a name that no other process uses: several drills may share a server."""
    return f"chatsec_drill_{os.getpid()}_{purpose}"


def _sweep() -> None:
    """Drop what drills left behind that did not come to their end."""
    for name in COPIES.names():
        found = re.fullmatch(r"chatsec_drill_(\d+)_.+", name)
        if found and not _is_running(int(found[1])):
            COPIES.drop(name)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _digest() -> str:
    """Return what names migrations and demo: when they change, all is made anew."""
    digest, root = sha256(), Path(settings.BASE_DIR)
    sources = (*root.glob("*/migrations/*.py"), *root.glob("chatsec/demo/**/*.*"))
    for path in sorted(sources):
        if "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _use(name: str) -> None:
    use(name)
    # What is remembered of one database is wrong in the next, and other processes on
    # the same server have theirs.
    caches.settings["default"]["KEY_PREFIX"] = f"drill-{os.getpid()}-{next(_turn)}"
    caches["default"].close()
    del caches["default"]
    crypto.subject_keys.cache_clear()
