"""What can be lent to a key or an app: permissions that somebody has himself."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import Permission

from chatsec.core.context import Person
from rbac import selectors
from rbac.constants import ADMINISTRATIVE_CODES


def offered_scopes(person: Person) -> Mapping[str, str]:
    """Return the person's own permissions, code by code with what they are called.

    One that depends on the hour or the row is among them: what it comes to is decided
    at each use. Administration is not.
    """
    if not person.is_active:
        return {}
    entry = selectors.entry_for(person)
    rows = Permission.objects.filter(
        content_type__app_label="rbac", content_type__model="domain"
    )
    return {
        code: name
        for code, name in rows.order_by("codename").values_list("codename", "name")
        if code not in ADMINISTRATIVE_CODES and entry.quick(code) is not False
    }
