"""The country of an address, from a file that the operator provides.

The file is in the MaxMind DB format: GeoLite2-Country, DB-IP, IPinfo and others come in
it. Without one, and for an address that it does not know, the country is unknown.

The file may be replaced while chatsec runs: within seconds the new one counts. One that
cannot be read changes nothing but that health says so.
"""

from __future__ import annotations

import logging
import os
import re
import time
from functools import lru_cache
from threading import Lock
from typing import Final, NamedTuple

import maxminddb
from django.conf import settings

logger = logging.getLogger(__name__)
UNKNOWN: Final = ""
# How long a file that was replaced may still be believed.
CHECK_SECONDS: Final = 10.0
REMEMBERED: Final = 4096
_TWO_LETTERS: Final = re.compile(r"[A-Z]{2}")
_one_at_a_time = Lock()


class _Known(NamedTuple):
    """The file that is believed, and which one was seen last at its place."""

    path: str = ""
    stamp: tuple[int, ...] | None = None
    reader: maxminddb.Reader | None = None
    is_readable: bool = True


_known = _Known()
_due_at = 0.0


def country_of(address: str | None) -> str:
    """Return the ISO 3166-1 code of the country, or nothing; it never raises."""
    reader = _reader(settings.CHATSEC_GEOIP_FILE)
    if reader is None or not address:
        return UNKNOWN
    return _country_in(reader, address)


def are_known() -> bool:
    """Whether the file that settings name can be read, or none is named."""
    _reader(settings.CHATSEC_GEOIP_FILE)
    return _known.is_readable


def open_file(path: str) -> maxminddb.Reader:
    """Return a reader of the file; raise OSError or ValueError if it is none.

    It is read into memory: a mapped file that is cut off ends the whole process.
    """
    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        # A file that was cut off in the middle opens; a look into it tells.
        for address in ("1.1.1.1", "203.0.113.9", "255.255.255.254"):
            reader.get(address)
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(str(error)) from error
    except (LookupError, TypeError, UnicodeDecodeError, RecursionError) as error:
        # What the library trips over where a file is damaged.
        raise ValueError(type(error).__name__) from error
    return reader


def forget() -> None:
    """Let the next look-up read the settings and the file again."""
    global _known, _due_at
    _known, _due_at = _Known(), 0.0
    _country_in.cache_clear()


@lru_cache(maxsize=REMEMBERED)
def _country_in(reader: maxminddb.Reader, address: str) -> str:
    try:
        return _code_in(reader.get(address))
    except Exception as error:  # noqa: BLE001 - a bad file must not stop evidence
        # Never the message: it may name the address.
        logger.warning("no country was read: %s", type(error).__name__)
        return UNKNOWN


def _reader(path: str) -> maxminddb.Reader | None:
    global _due_at  # noqa: PLW0603 - when this process looks again
    if path == _known.path and time.monotonic() < _due_at:
        return _known.reader
    if not _one_at_a_time.acquire(blocking=path != _known.path):
        return _known.reader
    try:
        _look_again(path)
        _due_at = time.monotonic() + CHECK_SECONDS
    finally:
        _one_at_a_time.release()
    return _known.reader


def _look_again(path: str) -> None:
    """Believe the file at this place, unless it is the one that was seen last."""
    global _known  # noqa: PLW0603 - what this process knows
    stamp = _stamp(path)
    if path == _known.path and stamp == _known.stamp:
        return
    kept = _known.reader if path == _known.path else None
    reader = _opened(path) if path else None
    is_readable = reader is not None or not path
    _known = _Known(path, stamp, reader or kept, is_readable)
    _country_in.cache_clear()


def _opened(path: str) -> maxminddb.Reader | None:
    try:
        return open_file(path)
    except (OSError, ValueError):
        logger.warning("CHATSEC_GEOIP_FILE cannot be read", exc_info=True)
        return None


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _code_in(record: object) -> str:
    """Return the code in a record: nested as MaxMind has it, or flat as others."""
    found: object = record
    for name in ("country", "iso_code"):
        if isinstance(found, dict):
            found = found.get(name, found.get("country_code"))
    is_code = isinstance(found, str) and _TWO_LETTERS.fullmatch(found)
    return str(found) if is_code else UNKNOWN
