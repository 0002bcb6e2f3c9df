"""Where permissions on single objects are kept: guardian's tables, read in one union.

A person's are his own rows and those of the roles that count now, whose groups stand
for them. The groups that a user may be in grant nothing.
"""

# ruff: noqa: SLF001 - `_meta` and `_default_manager` are Django's documented names
from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import F, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from guardian.managers import BaseObjectPermissionManager
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from rbac.models import Role, RoleGroup
from rbac.policy import Snapshot
from rbac.selectors import ActiveRoles

Table = type[Model]
Rows = QuerySet[Model, Any]


class Holder(NamedTuple):
    """Whose permissions: a person, or nobody; and the roles that count for him."""

    person_id: UUID | None
    roles: ActiveRoles


def has_own_tables(model: type[Model]) -> bool:
    """Whether the model's permissions are kept with foreign keys to its rows."""
    return not _is_generic(user_table(model)) and not _is_generic(group_table(model))


def user_table(model: type[Model]) -> Table:
    """Return the table of what single people hold on the model's objects."""
    return get_user_obj_perms_model(_as_given(model))


def group_table(model: type[Model]) -> Table:
    """Return the table of what roles hold on the model's objects."""
    return get_group_obj_perms_model(_as_given(model))


def codename_for(model: type[Model], permission: str) -> str | None:
    """Return the permission's codename if it is one of the model's app."""
    app_label, _, codename = permission.rpartition(".")
    if "\x00" in codename or app_label not in ("", model._meta.app_label):
        return None
    return codename


def held_ids(model: type[Model], codenames: Collection[str], holder: Holder) -> RawSQL:
    """Return the ids of objects on which the holder has any of the permissions.

    Written by hand: Django takes longer to put this union together than PostgreSQL to
    answer it, and it stands in every list of objects.
    """
    wanted = _permission_ids(model, codenames, holder.roles.policy)
    own, roles = user_table(model), group_table(model)
    of_roles = (
        f" AND group_id IN (SELECT link.group_id FROM {RoleGroup._meta.db_table} link"  # noqa: S608 - the names are Django's
        f" JOIN {Role._meta.db_table} role ON role.id = link.role_id"
        " WHERE role.name = ANY(%s))"
    )
    parts = [_select(roles, model) + of_roles]
    values: list[object] = [wanted, list(holder.roles.names)]
    if holder.person_id is not None:
        parts.insert(0, f"{_select(own, model)} AND user_id = %s")
        values = [wanted, holder.person_id, *values]
    return RawSQL(" UNION ALL ".join(parts), values)  # noqa: S611 - names are Django's own, values are bound


def _select(table: Table, model: type[Model]) -> str:
    """Return the start of the part for one table; the permissions come first."""
    name = table._meta.db_table
    if not _is_generic(table):
        return f'SELECT content_object_id FROM "{name}" WHERE permission_id = ANY(%s)'  # noqa: S608 - the name is Django's
    kind, key = _content_type(model).pk, model._meta.pk.db_type(connection)
    return (
        f'SELECT object_pk::{key} FROM "{name}" WHERE permission_id = ANY(%s)'  # noqa: S608 - the name is Django's
        f" AND content_type_id = {kind}"
    )


def held_on(model: type[Model], ids: Iterable[object], holder: Holder) -> Rows:
    """Return (object id, codename) of all that the holder has on these objects."""
    wanted, kind = [str(one) for one in ids], _content_type(model)
    found = []
    for rows in _held(model, holder):
        column = "object_pk" if _is_generic(rows.model) else "content_object_id"
        on_these = rows.filter(
            **{f"{column}__in": wanted, "permission__content_type": kind}
        )
        found.append(on_these.values_list(_object_id(rows.model, model), _CODENAME))
    return found[0].union(*found[1:], all=True)


_CODENAME = F("permission__codename")


class Held(NamedTuple):
    """One permission on one object, and who has it."""

    kind: str
    name: str
    permission: str


def list_holders(obj: Model) -> list[Held]:
    """Return who holds what on the object: roles first, each by name."""
    roles = group_table(type(obj))._default_manager.filter(content_object=obj)
    people = user_table(type(obj))._default_manager.filter(content_object=obj)
    named = roles.values_list("group__role_link__role__name", "permission__name")
    found = [Held("role", name, code) for name, code in named if name]
    named = people.values_list("user__username", "permission__name")
    found += [Held("person", name, code) for name, code in named]
    return sorted(found, key=lambda one: (one.kind != "role", one.name))


def _held(model: type[Model], holder: Holder, **limits: object) -> list[Rows]:
    groups = RoleGroup.objects.filter(role__name__in=holder.roles.names).values("group")
    found = [_rows(group_table(model), model, group__in=groups, **limits)]
    if holder.person_id is not None:
        own = _rows(user_table(model), model, user=holder.person_id, **limits)
        found.insert(0, own)
    return found


def _rows(table: Table, model: type[Model], **limits: object) -> Rows:
    # In one filter: each costs a copy of the query.
    if _is_generic(table):
        limits["content_type"] = _content_type(model)
    return table._default_manager.order_by().filter(**limits)


def _object_id(table: Table, model: type[Model]) -> F | Cast:
    if not _is_generic(table):
        return F("content_object_id")
    return Cast("object_pk", type(model._meta.pk)())


def _permission_ids(
    model: type[Model], codenames: Collection[str], policy: Snapshot
) -> list[int]:
    """Return the ids of the model's permissions, remembered for one policy.

    As values, not as a subquery: with one the planner takes a person with 10,000 rows
    for one with fifty. When permissions change the policy is loaded anew: a trigger
    sees to that.
    """
    global _known_ids  # noqa: PLW0603 - one per process, replaced whole
    known = _known_ids
    if known is None or known[0] is not policy:
        rows = Permission.objects.order_by().values_list(
            "content_type_id", "codename", "id"
        )
        known = _known_ids = (policy, {(kind, name): id_ for kind, name, id_ in rows})
    kind = _content_type(model).pk
    found = [known[1].get((kind, codename)) for codename in codenames]
    return [one for one in found if one is not None]


_known_ids: tuple[Snapshot, dict[tuple[int, str], int]] | None = None


def _content_type(model: type[Model]) -> ContentType:
    return ContentType.objects.get_for_model(model)


def _is_generic(table: Table) -> bool:
    manager = table._default_manager
    return isinstance(manager, BaseObjectPermissionManager) and manager.is_generic()


def _as_given(model: type[Model]) -> Any:
    # guardian takes classes as well as objects, and says only objects.
    return model
