"""Whether who began to look at the log still may: asked while an answer goes on."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.module_loading import import_string

from chatsec.core.context import Actor

VIEW_AUDIT: Final = "rbac.view_audit"


def may_still_view(actor: Actor) -> bool:
    """Whether the session still stands and its user still may read the log.

    Who has no session is asked for the right alone; the system has it always.
    """
    if actor.id is None:
        return True
    if actor.session_id is None:
        people = get_user_model().objects.filter(pk=actor.id, is_active=True)
        person = people.first()
    else:
        find = import_string(settings.CHATSEC_SIGNED_IN)
        person = find(actor.session_id, user_id=actor.id, now=timezone.now())
    return person is not None and bool(person.has_perm(VIEW_AUDIT))
