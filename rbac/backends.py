"""Django's permission questions, answered by roles alone."""

from __future__ import annotations

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from guardian.managers import BaseObjectPermissionManager
from guardian.utils import get_user_obj_perms_model

from accounts.models import User
from rbac.policy.decisions import is_denied, resolve
from rbac.policy.roles import bare_code
from rbac.services.deciding import (
    as_actor,
    check_permission,
    effective_permissions,
    entry_of,
    question_of,
)

Subject = AbstractBaseUser | AnonymousUser


class RoleBackend(BaseBackend):
    """Grants what active roles grant; for one object, also what guardian holds on it.

    Nobody is above it: an administrator has the role `*`, through the same path.
    """

    def has_perm(self, user_obj: Subject, perm: str, obj: Model | None = None) -> bool:
        """Whether the user may, in general or with this object."""
        subject = _person(user_obj)
        if obj is None:
            return check_permission(subject, perm)
        return _has_object_permission(subject, perm, obj)

    def has_module_perms(self, user_obj: Subject, app_label: str) -> bool:
        """Whether the user has any permission of the app."""
        prefix = f"{app_label}."
        return any(
            code.startswith(prefix) for code in self.get_all_permissions(user_obj)
        )

    def get_all_permissions(
        self, user_obj: Subject, obj: Model | None = None
    ) -> set[str]:
        """Return all permissions in Django's form, `app.codename`."""
        if obj is not None:
            return set()
        codes = effective_permissions(as_actor(_person(user_obj)))
        return {code if "." in code else f"rbac.{code}" for code in codes}


def _person(user_obj: Subject) -> User | None:
    return user_obj if isinstance(user_obj, User) else None


def _has_object_permission(person: User | None, perm: str, obj: Model) -> bool:
    """Return whether a role covers every object, or he holds it on this one."""
    actor, code = as_actor(person), bare_code(perm)
    if person is None or not person.is_active:
        return False
    held = entry_of(actor).covering(code)
    # Nothing is known of the object's attributes: what depends on them does not allow,
    # and denies.
    question = question_of(actor, code, resource={})
    if resolve(held, question) == "allow":
        return True
    return not is_denied(held, question) and _holds_on_object(person, perm, obj)


def _holds_on_object(person: User, perm: str, obj: Model) -> bool:
    content_type = ContentType.objects.get_for_model(obj)
    app_label, _, codename = perm.rpartition(".")
    if app_label and app_label != content_type.app_label:
        return False
    held = get_user_obj_perms_model(obj)._default_manager  # noqa: SLF001
    found = held.filter(
        user=person,
        permission__codename=codename,
        permission__content_type=content_type,
    )
    if isinstance(held, BaseObjectPermissionManager) and held.is_generic():
        return bool(found.filter(object_pk=str(obj.pk)).exists())
    return bool(found.filter(content_object=obj).exists())
