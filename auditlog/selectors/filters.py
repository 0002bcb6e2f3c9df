"""What a search may ask for, read from the words of a form, an address or a row.

One reader for the page, the API, saved searches, exports and the live view: what one
of them accepts means the same in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypedDict, cast
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from auditlog.constants import CATEGORIES, OUTCOMES, SEVERITIES, Category
from auditlog.models import Event
from auditlog.registry import event_types
from auditlog.selectors.people import find_pseudonym
from chatsec.core.context import Channel
from chatsec.core.errors import Invalid

MAX_WORD: Final = 200
# Beyond lies nothing, and arithmetic with times ends.
MIN_YEAR, MAX_YEAR = 2000, 2200
PERIODS: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "quarter": timedelta(days=90),
    "year": timedelta(days=365),
}
CHANNELS: Final = tuple(channel.value for channel in Channel)


class EventFilter(TypedDict, total=False):
    """What a search may ask for; `since` is included, `until` is not."""

    actor_id: UUID | None
    actor_pseudonym: UUID | None
    event_type: str | None
    # Any of these.
    event_types: tuple[str, ...] | None
    category: Category | None
    outcome: str | None
    severity: str | None
    since: datetime | None
    until: datetime | None
    request_id: str | None
    resource: str | None  # "type", "type:id"
    classification: str | None
    channel: str | None
    # As in one event, which the log knows by digests alone.
    session_hash: bytes | None
    ip_hash: bytes | None
    network_hash: bytes | None
    device_hash: bytes | None
    country: str | None
    # An event's or a request's id, or who acted.
    anything: str | None


class _Refused(ValueError):
    """The word cannot be searched for; the text says why."""


def read_filters(
    words: Mapping[str, str], *, now: datetime | None = None
) -> EventFilter:
    """Return the search that these words ask for; raise Invalid, word by word.

    Empty words ask for nothing, and words that are no filters are left alone.
    """
    found: dict[str, object] = {}
    refused: dict[str, list[str]] = {}
    for name, word in asked_words(words).items():
        try:
            found.update(_read(name, word, now=now or timezone.now()))
        except _Refused as reason:
            refused[name] = [str(reason)]
    wanted = cast("EventFilter", found)
    since, until = wanted.get("since"), wanted.get("until")
    if since and until and until < since:
        refused["until"] = ["Must not be before since."]
    if refused:
        raise Invalid("Some fields are not valid.", fields=refused)
    return wanted


def asked_words(words: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that are not empty; a beginning beats a period."""
    asked = {
        name: text for name in NAMES if (text := words.get(name, "").strip(" \t\r\n"))
    }
    if "since" in asked:
        asked.pop("period", None)
    return asked


def storable_words(words: Mapping[str, str]) -> dict[str, str]:
    """Return the words as they may be kept: no name of a person is among them.

    Raises Invalid for words that cannot be searched for.
    """
    wanted = read_filters(words)
    asked = asked_words(words)
    if pseudonym := wanted.get("actor_pseudonym"):
        asked["actor"] = str(pseudonym)
    if "q" in asked and (found := find_pseudonym(asked["q"])):
        asked["q"] = str(found)
    return asked


def _read(name: str, word: str, *, now: datetime) -> Mapping[str, object]:
    if "\x00" in word or len(word) > MAX_WORD:
        raise _Refused(f"At most {MAX_WORD} characters, none of them NUL.")
    if name == "period":
        return {"since": now - PERIODS[_one_of(PERIODS)(word)]}
    key, read = _READERS[name]
    return {key: read(word)}


def _one_of(words: Mapping[str, object] | tuple[str, ...]) -> Callable[[str], str]:
    def read(word: str) -> str:
        if word not in words:
            raise _Refused(f"Must be one of {', '.join(words)}.")
        return word

    return read


def _actor(word: str) -> UUID:
    pseudonym = find_pseudonym(word)
    if pseudonym is None:
        raise _Refused("No such user.")
    return pseudonym


def _type(word: str) -> str:
    if word not in event_types():
        raise _Refused("There is no such event type.")
    return word


def _moment(word: str) -> datetime:
    try:
        moment = parse_datetime(word)
    except ValueError:
        moment = None
    if moment is None:
        raise _Refused("Must be a time such as 2026-01-31T13:00:00Z.")
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise _Refused(f"Must lie between {MIN_YEAR} and {MAX_YEAR}.")
    # Without an offset it is meant in UTC, in which the log is kept. PostgreSQL knows
    # no offset of 16 hours and more, so none is passed on.
    if timezone.is_aware(moment):
        return moment.astimezone(UTC)
    return moment.replace(tzinfo=UTC)


def _country(word: str) -> str:
    if len(word) != 2 or not word.isascii() or not word.isalpha():
        raise _Refused("Must be a country's two letters.")
    return word.upper()


def _as_in(column: str) -> Callable[[str], bytes]:
    """Return a reader that takes an event's id and gives what that event has there."""

    def read(word: str) -> bytes:
        try:
            found = Event.objects.filter(event_id=UUID(word))
        except ValueError as error:
            raise _Refused("Must be the id of an event.") from error
        digest = found.values_list(column, flat=True).first()
        if digest is None:
            raise _Refused("There is no such event, or it does not say.")
        return bytes(digest)

    return read


_READERS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    "actor": ("actor_pseudonym", _actor),
    "type": ("event_type", _type),
    "category": ("category", _one_of(CATEGORIES)),
    "outcome": ("outcome", _one_of(OUTCOMES)),
    "severity": ("severity", _one_of(SEVERITIES)),
    "since": ("since", _moment),
    "until": ("until", _moment),
    "request_id": ("request_id", str),
    "resource": ("resource", str),
    "classification": ("classification", str),
    "channel": ("channel", _one_of(CHANNELS)),
    "same_session": ("session_hash", _as_in("session_hash")),
    "same_address": ("ip_hash", _as_in("ip_hash")),
    "same_network": ("network_hash", _as_in("network_hash")),
    "same_device": ("device_hash", _as_in("device_hash")),
    "country": ("country", _country),
    "q": ("anything", str),
}
NAMES: Final = (*_READERS, "period")
