"""Databases that a drill may fill and throw away: evidence cannot be deleted.

Each is a copy of one that is prepared once, on the embedded server of a data directory
that belongs to the drill alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.cache import cache, caches
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from chatsec.core import crypto
from chatsec.demo.business import seed_business
from chatsec.demo.catalogue import seed_catalogue
from chatsec.embedded.copies import Copies, close_connections, use

COPIES: Final = Copies()
# What is thrown away anyway need not survive a crash.
OPTIONS: Final[Mapping[str, str]] = {"synchronous_commit": "off"}


def prepare() -> str:
    """Migrate and fill the database that copies are made of; return its name."""
    if settings.PRODUCTION:
        raise ImproperlyConfigured("Drills are refused in production.")
    name = f"chatsec_drill_{_digest()}"
    if not COPIES.has(name):
        unfinished = f"{name}_new"
        COPIES.create(unfinished)
        _use(unfinished)
        call_command("migrate", verbosity=0, skip_checks=True)
        seed_business(settings.BUSINESS_OWNER_DATABASE_URL, sales=4000)
        seed_catalogue()
        close_connections()
        COPIES.rename(unfinished, name)
    _use(name)
    return name


@contextmanager
def copy_of(template: str, purpose: str) -> Iterator[str]:
    """Work on a fresh copy, whose name it gives; it is gone afterwards."""
    copy = f"chatsec_drill_{purpose}"
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
    cache.close()


def stand_apart() -> None:
    """Let this process remember nothing that others of the drill do, after a fork."""
    caches["default"].key_prefix = f"drill-{os.getpid()}"


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
    # What is remembered of one database is wrong in the next.
    cache.clear()
    crypto.subject_keys.cache_clear()
