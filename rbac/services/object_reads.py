"""What somebody may do with single objects, by role or because it was given.

One source answers for lists, single objects and pages of them: the compiled policy
first (a deny wins, a whole allow covers every object), then guardian's tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet

from chatsec.core import context as request_context
from chatsec.core.context import Actor, Person
from rbac import selectors
from rbac.object_tables import Holder, codename_for, held_ids, held_on
from rbac.policy import DataScope, Decision, Entry, Grant, Reason
from rbac.policy.decisions import Held, is_denied, resolve
from rbac.policy.roles import bare_code
from rbac.policy.scopes import scope_of
from rbac.services.deciding import (
    Attributes,
    as_actor,
    data_scope,
    decide,
    entry_of,
    question_of,
    refused_outright,
)

Row = TypeVar("Row", bound=Model)
Subject = Actor | Person | AnonymousUser | None
# All of them by the roles alone, none of them whatever was given, or those given.
Reach = Literal["all", "none", "given"]
_HELD: Final = "_object_permissions_held"


def objects_for(
    subject: Subject, permission: str, queryset: QuerySet[Row]
) -> QuerySet[Row]:
    """Return the objects on which the subject has the permission, lazily."""
    return objects_for_any(subject, [permission], queryset)


def objects_for_all(
    subject: Subject, permissions: Iterable[str], queryset: QuerySet[Row]
) -> QuerySet[Row]:
    """Return the objects on which the subject has every one of the permissions.

    Of no permissions at all nothing is returned.
    """
    wanted = list(permissions)
    if not wanted:
        return queryset.none()
    for permission in wanted:
        queryset = objects_for(subject, permission, queryset)
    return queryset


def objects_for_any(
    subject: Subject, permissions: Iterable[str], queryset: QuerySet[Row]
) -> QuerySet[Row]:
    """Return the objects on which the subject has at least one of the permissions."""
    actor, given = as_actor(subject), set[str]()
    entry = selectors.entry_for(actor.person)
    for permission in permissions:
        reach = _reach(actor, entry, permission, queryset.model)
        if reach == "all":
            return queryset
        if reach == "given":
            given.add(permission)
    return _given(actor, entry, given, queryset)


def objects_given(
    subject: Subject, permission: str, queryset: QuerySet[Row]
) -> QuerySet[Row]:
    """Return the objects on which the permission was given to the subject or a role.

    A permission held in general opens none of them; a deny closes them all.
    """
    actor = as_actor(subject)
    entry = selectors.entry_for(actor.person)
    if _reach(actor, entry, permission, queryset.model) == "none":
        return queryset.none()
    return _given(actor, entry, {permission}, queryset)


def has_object_permission(person: Person | None, permission: str, obj: Model) -> bool:
    """Whether a role covers every object, or the person holds it on this one."""
    if person is None:
        return False
    entry = selectors.entry_for(person)
    reach = _reach(as_actor(person), entry, permission, type(obj))
    if reach == "given":
        return _holds(person, entry, permission, obj)
    return reach == "all"


def was_given(subject: Subject, permission: str, obj: Model) -> bool:
    """Whether the permission was given on this very object, and nothing denies it."""
    actor = as_actor(subject)
    person = actor.person
    if person is None:
        return False
    entry = selectors.entry_for(person)
    reach = _reach(actor, entry, permission, type(obj))
    return reach != "none" and _holds(person, entry, permission, obj)


def decide_where_given(
    actor: Actor, permission: str, *, context: Attributes | None = None
) -> Decision:
    """Return the decision where an object permission stands for `permission`.

    What was given has no condition: it is allowed unless a role denies it.
    """
    decision = decide(actor, permission, context=context)
    if decision.is_allowed or not _is_open(actor, permission, context):
        return decision
    text = f"{decision.permission} is given on this object"
    reason = Reason(kind="object_permission", text=text)
    return replace(decision, outcome="allow", reasons=(reason,))


def data_scope_where_given(
    actor: Actor, permission: str, *, context: Attributes | None = None
) -> DataScope:
    """Return all rows and columns but those that a role denies."""
    if not _is_open(actor, permission, context):
        return data_scope(actor, permission, context=context)
    code = bare_code(permission)
    given = Held(Grant(role="object permission", code=code), ())
    held = (*entry_of(actor).covering(code), given)
    return scope_of(held, question_of(actor, code, context=context))


def _is_open(actor: Actor, permission: str, context: Attributes | None) -> bool:
    code = bare_code(permission)
    if actor.person is None or refused_outright(actor, code):
        return False
    question = question_of(actor, code, context=context)
    return not is_denied(entry_of(actor).covering(code), question)


def is_permission_denied(actor: Actor, permission: str) -> bool:
    """Whether a role or a scope denies it outright, so that no object opens it."""
    code = bare_code(permission)
    if refused_outright(actor, code):
        return True
    return is_denied(entry_of(actor).covering(code), question_of(actor, code))


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read for a request; of no use once the person's roles change."""

    entry: Entry
    request_id: str
    on: dict[tuple[type[Model], str], frozenset[str]] = field(default_factory=dict)


def prefetch_object_permissions(
    person: Person | None, objects: Iterable[Model]
) -> None:
    """Read once what the person holds on these objects; `has_perm` then asks no more.

    For this request only: what is given or taken meanwhile counts from the next one.
    """
    if person is None:
        return
    entry = selectors.entry_for(person)
    holder = Holder(person.id, selectors.active_roles(entry))
    held = _held_by(person, entry) or _Known(
        entry, request_context.current().request_id
    )
    by_model: dict[type[Model], list[str]] = defaultdict(list)
    for obj in objects:
        by_model[type(obj)].append(str(obj.pk))
    for model, ids in by_model.items():
        found: dict[str, set[str]] = {one: set() for one in ids}
        for object_id, codename in held_on(model, ids, holder):
            found[str(object_id)].add(codename)
        held.on.update({(model, key): frozenset(has) for key, has in found.items()})
    setattr(person, _HELD, held)


def forget_prefetched(person: object) -> None:
    """Read anew at the next question about this person object."""
    if getattr(person, _HELD, None) is not None:
        setattr(person, _HELD, None)


def _held_by(person: Person, entry: Entry) -> _Known | None:
    held = getattr(person, _HELD, None)
    if not isinstance(held, _Known):
        return None
    if held.request_id != request_context.current().request_id:
        return None
    return held if held.entry is entry else None


def _reach(actor: Actor, entry: Entry, permission: str, model: type[Model]) -> Reach:
    code = bare_code(permission)
    if refused_outright(actor, code):
        return "none"
    held = entry.covering(code)
    # Nothing is known of the object's attributes: what depends on them does not allow,
    # and denies.
    question = question_of(actor, code, resource={})
    if resolve(held, question) == "allow":
        return "all"
    if is_denied(held, question) or codename_for(model, permission) is None:
        return "none"
    return "given"


def _given(
    actor: Actor, entry: Entry, permissions: set[str], queryset: QuerySet[Row]
) -> QuerySet[Row]:
    model = queryset.model
    codenames = {codename_for(model, one) for one in permissions} - {None}
    if not codenames:
        return queryset.none()
    holder = Holder(actor.id, selectors.active_roles(entry))
    ids = held_ids(model, [name for name in codenames if name], holder)
    return queryset.filter(pk__in=ids)


def _holds(person: Person, entry: Entry, permission: str, obj: Model) -> bool:
    model, codename = type(obj), codename_for(type(obj), permission)
    if codename is None:
        return False
    held = _held_by(person, entry)
    known: Mapping[Any, frozenset[str]] = held.on if held else {}
    on_object = known.get((model, str(obj.pk)))
    if on_object is not None:
        return codename in on_object
    holder = Holder(person.id, selectors.active_roles(entry))
    found = model._default_manager.filter(  # noqa: SLF001 - Django's name for it
        pk__in=held_ids(model, [codename], holder)
    )
    return found.filter(pk=obj.pk).exists()
