"""Django's permission questions, answered by roles alone."""

from __future__ import annotations

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from accounts.models import User
from rbac.policy.roles import full_code
from rbac.services.deciding import (
    as_actor,
    check_permission,
    effective_permissions,
    has_app_permission,
)
from rbac.services.object_reads import has_object_permission

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
        return has_object_permission(subject, perm, obj)

    def has_module_perms(self, user_obj: Subject, app_label: str) -> bool:
        """Whether the user has any permission of the app."""
        return has_app_permission(as_actor(_person(user_obj)), app_label)

    def get_all_permissions(
        self, user_obj: Subject, obj: Model | None = None
    ) -> set[str]:
        """Return all permissions in Django's form, `app.codename`."""
        if obj is not None:
            return set()
        codes = effective_permissions(as_actor(_person(user_obj)))
        return {full_code(code) for code in codes}


def _person(user_obj: Subject) -> User | None:
    return user_obj if isinstance(user_obj, User) else None
