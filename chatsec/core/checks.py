"""System checks: settings that are texts and have to mean something."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from chatsec.core.countries import open_file
from chatsec.core.well_known import contact_uri

PLACE = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+):(?P<port>[0-9]{1,5})")


@register(Tags.security)
def places_are_host_and_port(
    app_configs: Sequence[object] | None, **_options: object
) -> list[CheckMessage]:
    """Return core.E001 for each entry of the allow list that could open nothing."""
    return [
        Error(
            f"CHATSEC_OUTBOUND_ALLOWED: {entry!r} is not host:port.",
            hint="Write idp.corp.example:443 or [fd00::15]:8443, without a scheme.",
            id="core.E001",
        )
        for entry in sorted(settings.CHATSEC_OUTBOUND_ALLOWED)
        if not _is_place(entry)
    ]


def _is_place(entry: str) -> bool:
    found = PLACE.fullmatch(entry.lower())
    return found is not None and 0 < int(found["port"]) < 65536


@register(Tags.security)
def contacts_are_uris(
    app_configs: Sequence[object] | None, **_options: object
) -> list[CheckMessage]:
    """Return core.E002 for each contact that security.txt could not name."""
    return [
        Error(
            f"CHATSEC_SECURITY_CONTACT: {contact!r} is no contact.",
            hint="Write an e-mail address, an https: or a tel: URI.",
            id="core.E002",
        )
        for contact in settings.CHATSEC_SECURITY_CONTACT
        if not _is_contact(contact)
    ]


def _is_contact(contact: str) -> bool:
    try:
        return bool(contact_uri(contact))
    except ValueError:
        return False


@register(Tags.security)
def authorities_can_be_read(
    app_configs: Sequence[object] | None, **_options: object
) -> list[CheckMessage]:
    """Return core.E003 where outgoing calls would find no authority to believe."""
    path = settings.CHATSEC_OUTBOUND_CA_FILE
    try:
        if path:
            ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = f"CHATSEC_OUTBOUND_CA_FILE: {path!r} holds no certificates ({error})."
        return [Error(reason, hint="Name a PEM file.", id="core.E003")]
    return []


@register(Tags.security)
def countries_can_be_looked_up(
    app_configs: Sequence[object] | None, **_options: object
) -> list[CheckMessage]:
    """Return core.E004 where a file is named that tells no countries."""
    path = settings.CHATSEC_GEOIP_FILE
    try:
        if path:
            open_file(path).close()
    except (OSError, ValueError) as error:
        kind = Error if settings.PRODUCTION else checks.Warning
        reason = f"CHATSEC_GEOIP_FILE: {path!r} tells no countries ({error})."
        return [kind(reason, hint="Name a MaxMind DB file.", id="core.E004")]
    return []


@register(Tags.database)
def transactions_see_what_others_committed(
    app_configs: Sequence[object] | None,
    databases: Sequence[str] | None = None,
    **_options: object,
) -> list[CheckMessage]:
    """Return core.E005 for each login whose transactions look at one moment only.

    What can be raced waits for a lock and then looks again: at another level that is
    an error in place of an answer, or an answer from before the lock.
    """
    return [
        Error(
            f"The transactions of the database {alias!r} are {level}.",
            hint="ALTER ROLE ... SET default_transaction_isolation = 'read committed'",
            id="core.E005",
        )
        for alias in databases or ()
        if (level := _isolation_of(alias)) != "read committed"
    ]


def _isolation_of(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW default_transaction_isolation")
        return str(cursor.fetchone()[0])
