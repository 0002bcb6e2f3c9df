"""Which permissions a key or an app can be given: a door for the layer above."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User
from chatsec.core.errors import Invalid

# Code -> what it lets somebody do, in words.
Scopes = Mapping[str, str]


def offered_scopes(user: User) -> Scopes:
    """Return what the account may have now or at some hour, without administration."""
    offer: Callable[[User], Scopes] = import_string(settings.CHATSEC_OFFERED_SCOPES)
    return offer(user)


def checked_scopes(user: User, wanted: Collection[str]) -> list[str]:
    """Return the codes, each once, sorted; raise Invalid unless all are on offer."""
    if not wanted:
        raise _refused("Choose at least one permission.")
    beyond = sorted(set(wanted) - set(offered_scopes(user)))
    if beyond:
        raise _refused(f"Not on offer: {', '.join(code[:100] for code in beyond[:5])}.")
    return sorted(set(wanted))


def _refused(reason: str) -> Invalid:
    return Invalid("Some fields are not valid.", fields={"scopes": [reason]})
