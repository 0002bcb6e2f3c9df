"""The holder of a role's permissions on single objects."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from uuid_utils.compat import uuid7

from rbac.models.roles import Role


class RoleGroup(models.Model):
    """The group through which guardian's tables name a role.

    Nobody is ever in it (a trigger sees to that): who has the role is said by
    assignments alone, with their dates.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    role = models.OneToOneField(Role, models.CASCADE, related_name="object_group")
    group = models.OneToOneField(Group, models.CASCADE, related_name="role_link")

    class Meta:
        default_permissions = ()
        verbose_name = "holder of object permissions"

    def __str__(self) -> str:
        return str(self.group_id)
