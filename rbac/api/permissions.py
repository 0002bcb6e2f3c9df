"""The guard of every API view: deny unless the view says who may call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User
from auditlog.events import AUTHORIZATION_CHECK
from auditlog.services import Target, record
from chatsec.core.context import Actor, current_actor
from chatsec.core.errors import Denied
from rbac.policy import Decision
from rbac.selectors import hold_stamp
from rbac.services import as_actor, decide

if TYPE_CHECKING:
    from rest_framework.views import APIView


def required_permission(view: object, method: str) -> str | None:
    """Return what the view asks for that method, or None if it names nothing."""
    # Not at the top: REST framework imports this module while it loads its own views,
    # which `chatsec.core.api` needs.
    from chatsec.core.api import SIGNED_IN  # noqa: PLC0415

    named = getattr(view, "required_permission", None)
    if isinstance(named, Mapping):
        # HEAD is answered by GET's handler; OPTIONS describes the view as a whole.
        named = named.get({"HEAD": "GET"}.get(method, method)) or (
            SIGNED_IN if method == "OPTIONS" and named else None
        )
    return named if isinstance(named, str) and named else None


def actor_of(request: Request) -> Actor:
    """Return who calls, with the session's factors where the edge has bound them."""
    user = request.user
    bound = getattr(request, "actor", None) or current_actor()
    if isinstance(user, User):
        return bound if bound.id == user.id else as_actor(user)
    return as_actor(None)


class RequiredPermission(BasePermission):
    """Allows what the view's `required_permission` allows; nothing named, nobody in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller may; 401 for nobody, 403 for somebody who may not."""
        from chatsec.core.api import ANY_CALLER, PUBLIC, SIGNED_IN  # noqa: PLC0415

        needed = required_permission(view, str(request.method))
        if needed is None:
            return False
        if needed == PUBLIC:
            return True
        actor = actor_of(request)
        if not actor.is_signed_in or actor.person is None:
            return False
        hold_stamp(actor.person)
        if needed in (SIGNED_IN, ANY_CALLER):
            _refuse_scoped(actor, needed, view)
            return actor.person.is_active
        decision = decide(actor, needed)
        if not decision.is_allowed:
            raise Denied("You may not do this.", required=needed)
        _note_grant(actor, decision)
        return True


def _note_grant(actor: Actor, decision: Decision) -> None:
    """Write the one event of this decision; without it the caller gets nothing.

    The refusal's event is written where refusals become answers, after any rollback.
    """
    record(
        AUTHORIZATION_CHECK,
        actor=actor,
        target=Target("rbac.permission", decision.permission),
        details={
            "required_permission": decision.permission,
            "roles": list(decision.roles),
            "result": "granted",
        },
    )


def _refuse_scoped(actor: Actor, needed: str, view: APIView) -> None:
    """Keep what is a person's own business from keys and apps that act for him."""
    from chatsec.core.api import SIGNED_IN, ApiView  # noqa: PLC0415 - as above

    if actor.scopes is None:
        return
    if needed == SIGNED_IN:
        raise Denied(
            "This is not open to API keys and connected apps.", code="outside_scope"
        )
    asked = set(view.app_scopes if isinstance(view, ApiView) else ApiView.app_scopes)
    if actor.is_connected_app and not asked <= set(actor.scopes):
        text = f"The app may not do this: it lacks {', '.join(sorted(asked))}."
        raise Denied(text, code="outside_scope")
