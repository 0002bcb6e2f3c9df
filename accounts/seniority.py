"""Who may administer whose account: doors for the layer above, which knows roles."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User


def refuse_managing(user: User, columns: Collection[str]) -> None:
    """Raise Denied unless who acts now may change this of the account."""
    import_string(settings.CHATSEC_BEFORE_MANAGING)(user, columns)


def refuse_lending(user: User, codes: Collection[str]) -> None:
    """Raise Denied unless who acts now may hold a key of the account for these."""
    import_string(settings.CHATSEC_BEFORE_LENDING)(user, codes)
