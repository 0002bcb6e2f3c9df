"""Giving and taking permissions on single objects, each with its evidence."""

from __future__ import annotations

from typing import Any, Final, Protocol, runtime_checkable
from uuid import UUID

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model, QuerySet

from accounts.models import User
from auditlog.registry import EventType
from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Invalid, Json, NotFound
from rbac import selectors
from rbac.events import OBJECT_GRANTED, OBJECT_REVOKED
from rbac.models import Role, RoleGroup
from rbac.object_tables import codename_for, group_table, has_own_tables, user_table
from rbac.policy import grant
from rbac.services.delegation import grants_held_until, is_unbounded, refuse_beyond
from rbac.services.governance import cleaned_reason, refuse_unless_administrator
from rbac.services.object_reads import forget_prefetched, was_given

GROUP_PREFIX: Final = "role:"
NOT_THERE: Final = "There is no such object."


@runtime_checkable
class Owned(Protocol):
    """An object of which some permissions are its owner's to give, and only his."""

    owner_id: UUID
    given_by_owner: frozenset[str]


@runtime_checkable
class Opening(Protocol):
    """An object that shows what other permissions guard, to whoever is let in."""

    def opened_codes(self) -> frozenset[str]:
        """Return the permissions that a permission on this object stands for."""
        ...


def grant_object(
    actor: Actor, *, obj: Model, permission: str, to: User | Role, reason: str
) -> None:
    """Give the person or role the permission on this object."""
    reason = cleaned_reason(reason)
    with transaction.atomic():
        found = _entitled(actor, obj, permission, to)
        before = _codes_of(to, found)
        row = {**_holder(to), "permission": _permission(found, permission)}
        _, is_new = _table(found, to).get_or_create(content_object=found, **row)
        if not is_new:
            raise Conflict("It was given already.", code="already_granted")
        _record(OBJECT_GRANTED, actor, (found, permission, to), (reason, before))
    forget_prefetched(to)


def revoke_object(
    actor: Actor, *, obj: Model, permission: str, to: User | Role, reason: str
) -> None:
    """Take the permission on this object from the person or role."""
    reason = cleaned_reason(reason)
    with transaction.atomic():
        found = _entitled(actor, obj, permission, to)
        before = _codes_of(to, found)
        row = {**_holder(to), "permission": _permission(found, permission)}
        gone, _ = _table(found, to).filter(content_object=found, **row).delete()
        if not gone:
            raise NotFound("There is no such permission on this object.")
        _record(OBJECT_REVOKED, actor, (found, permission, to), (reason, before))
    forget_prefetched(to)


def drop_group(role: Role) -> None:
    """Delete the role's group with all that it holds; the role is going."""
    Group.objects.filter(role_link__role=role).delete()


def _entitled(actor: Actor, obj: Model, permission: str, to: User | Role) -> Model:
    """Return the object, locked, once the actor may change who has the permission."""
    model = type(obj)
    codename = codename_for(model, permission)
    if codename is None or not has_own_tables(model):
        raise Invalid(
            "There is no such permission on such an object.",
            fields={"permission": ["Not a permission of this kind of object."]},
        )
    is_owners = isinstance(obj, Owned) and codename in obj.given_by_owner
    if not is_owners:
        refuse_unless_administrator(actor)
    # Locked: of two writers the second one sees what the first one did.
    rows = model._default_manager.select_for_update(no_key=True)  # noqa: SLF001 - Django's name for it
    found = rows.filter(pk=obj.pk).first()
    if found is None or (is_owners and not _owns(actor, found)):
        raise NotFound(NOT_THERE)
    if is_owners and isinstance(to, Role):
        raise Invalid("This is shared with people only.", fields={"to": ["A person."]})
    if not is_owners:
        _refuse_more_than_held(actor, found, permission)
    return found


def _owns(actor: Actor, obj: Model) -> bool:
    if actor.person is None or not actor.person.is_active:
        return False
    return isinstance(obj, Owned) and obj.owner_id == actor.id


def _refuse_more_than_held(actor: Actor, obj: Model, permission: str) -> None:
    """Let nobody open with an object what is closed to himself."""
    if is_unbounded(actor):
        return
    opened = sorted(obj.opened_codes()) if isinstance(obj, Opening) else []
    given = was_given(actor, permission, obj)
    wanted = opened if given else [permission, *opened]
    # For good: what is given on an object has no end of its own.
    held = grants_held_until(actor, None)
    refuse_beyond(held, [grant("", code) for code in wanted])


def _permission(obj: Model, permission: str) -> Permission:
    kind = ContentType.objects.get_for_model(type(obj))
    codename = codename_for(type(obj), permission)
    found = Permission.objects.filter(content_type=kind, codename=codename).first()
    if found is None:
        raise Invalid(
            "There is no such permission.",
            fields={"permission": ["Not a permission of this kind of object."]},
        )
    return found


def _table(obj: Model, to: User | Role) -> QuerySet[Any]:
    table = group_table(type(obj)) if isinstance(to, Role) else user_table(type(obj))
    return table._default_manager.all()  # noqa: SLF001 - Django's name for it


def _holder(to: User | Role) -> dict[str, Any]:
    return {"group": _group_of(to)} if isinstance(to, Role) else {"user": to}


def _group_of(role: Role) -> Group:
    """Return the group that stands for the role, made now if there is none."""
    locked = Role.objects.select_for_update(no_key=True).filter(pk=role.pk).first()
    if locked is None:
        raise NotFound("There is no such role.")
    link = RoleGroup.objects.select_related("group").filter(role=locked).first()
    if link is not None:
        return link.group
    name = f"{GROUP_PREFIX}{locked.name}"
    # What a role of this name held before it was deleted is not inherited.
    Group.objects.filter(name=name, role_link__isnull=True).delete()
    return RoleGroup.objects.create(
        role=locked, group=Group.objects.create(name=name)
    ).group


def _codes_of(to: User | Role, obj: Model) -> list[Json]:
    rows = _table(obj, to).filter(content_object=obj)
    if isinstance(to, Role):
        rows = rows.filter(group__role_link__role=to)
    else:
        rows = rows.filter(user=to)
    return [*sorted(rows.values_list("permission__codename", flat=True))]


def _record(
    event: EventType,
    actor: Actor,
    what: tuple[Model, str, User | Role],
    why: tuple[str, list[Json]],
) -> None:
    (obj, permission, to), (reason, before) = what, why
    details: dict[str, Json] = {
        "permission": permission,
        "before": before,
        "after": _codes_of(to, obj),
    }
    told: dict[str, Json] = {"reason": reason}
    if isinstance(to, Role):
        details |= {"role": to.name, **told}
    else:
        told |= {"username": to.username}
    is_person = not isinstance(to, Role)
    record(
        event,
        actor=actor,
        target=Target(obj._meta.label_lower, obj.pk),  # noqa: SLF001 - documented
        subject_id=to.id if is_person else None,
        details=details,
        subject_details=told if is_person else {},
    )
    selectors.release_stamp(actor.person)
