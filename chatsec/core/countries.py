"""The country of an address, from a file that the operator provides.

The file is in the MaxMind DB format: GeoLite2-Country, DB-IP, IPinfo and others come in
it. Without one, and for an address that it does not know, the country is unknown.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Final

import maxminddb
from django.conf import settings

logger = logging.getLogger(__name__)
UNKNOWN: Final = ""
_TWO_LETTERS: Final = re.compile(r"[A-Z]{2}")


@lru_cache(maxsize=4096)
def country_of(address: str | None) -> str:
    """Return the ISO 3166-1 code of the country, or nothing; it never raises."""
    reader = _reader(settings.CHATSEC_GEOIP_FILE)
    if reader is None or not address:
        return UNKNOWN
    try:
        return _code_in(reader.get(address))
    except Exception as error:  # noqa: BLE001 - a bad file must not stop evidence
        # Never the message: it may name the address.
        logger.warning("no country was read: %s", type(error).__name__)
        return UNKNOWN


def open_file(path: str) -> maxminddb.Reader:
    """Return a reader of the file; raise OSError or ValueError if it is none."""
    try:
        return maxminddb.open_database(path)
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=1)
def _reader(path: str) -> maxminddb.Reader | None:
    if not path:
        return None
    try:
        return open_file(path)
    except (OSError, ValueError):
        logger.warning("CHATSEC_GEOIP_FILE cannot be read", exc_info=True)
        return None


def _code_in(record: object) -> str:
    """Return the code in a record: nested as MaxMind has it, or flat as others."""
    found: object = record
    for name in ("country", "iso_code"):
        if isinstance(found, dict):
            found = found.get(name, found.get("country_code"))
    is_code = isinstance(found, str) and _TWO_LETTERS.fullmatch(found)
    return str(found) if is_code else UNKNOWN
