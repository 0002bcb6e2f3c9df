"""Which addresses messages may be sent to, as far as their text tells.

Where a name leads is asked when the call is made (`chatsec.core.outbound`); what could
never be called is refused here already, where somebody types it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from chatsec.core.addresses import is_public

MAX_ADDRESS: Final = 2000
LAST_SHOWN: Final = 4
LONG_ENOUGH: Final = 16


def address_problem(channel: str, address: str) -> str:
    """Return what is wrong with the address; "" if nothing is."""
    if len(address) > MAX_ADDRESS:
        return f"At most {MAX_ADDRESS} characters."
    return mail_problem(address) if channel == "mail" else url_problem(address)


def url_problem(address: str) -> str:
    """Return what is wrong with the address of a webhook; "" if nothing is."""
    try:
        place = urlsplit(address)
        entry = f"{place.hostname}:{place.port or 443}"
    except ValueError:
        return "This is not an address."
    if not place.hostname or not address.isascii() or " " in address:
        return "This is not an address."
    if place.username is not None or place.password is not None:
        return "Without a user name and password in the address."
    if entry in settings.CHATSEC_OUTBOUND_ALLOWED and place.scheme in ("http", "https"):
        return ""
    return _outside_problem(place)


def shown_url(address: str) -> str:
    """Return a webhook's address as far as it may be shown: the rest is a secret.

    The last characters tell two of one host apart; of what is short, none are shown.
    """
    place = urlsplit(address)
    rest = address.partition("://")[2].removeprefix(place.netloc).lstrip("/")
    end = rest[-LAST_SHOWN:] if len(rest) >= LONG_ENOUGH else ""
    return f"{place.scheme}://{place.netloc}/…{end}"


def mail_problem(address: str) -> str:
    """Return what is wrong with a mail address; "" if nothing is."""
    try:
        validate_email(address)
    except ValidationError:
        return "This is not a mail address."
    return ""


def _outside_problem(place: SplitResult) -> str:
    if place.scheme != "https":
        return "An https address."
    host = place.hostname or ""
    is_number = ":" in host or host.replace(".", "").isdigit()
    if host == "localhost" or (is_number and not is_public(host)):
        return "This lies inside: it has to be named in CHATSEC_OUTBOUND_ALLOWED."
    return ""
