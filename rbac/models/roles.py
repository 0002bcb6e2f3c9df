"""Roles, what they grant, who has them; and the stamps that date cached policy."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

ROLE_NAME = RegexValidator(
    r"\A[a-z][a-z0-9_]{0,62}\Z",
    "Use lower case letters, digits and underscores, beginning with a letter.",
)


class Domain(models.Model):
    """No table: the content type that the permission codes hang on."""

    class Meta:
        managed = False
        default_permissions = ()

    def __str__(self) -> str:
        return "domain"


class Role(models.Model):
    """A job function: a named set of grants that can be given to people."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=63, unique=True, validators=[ROLE_NAME])
    label = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="", max_length=1000)
    is_system = models.BooleanField(default=False, editable=False)
    is_break_glass = models.BooleanField(
        "break glass",
        default=False,
        help_text="Nobody has it; who is eligible activates it in an emergency.",
    )
    requires_factor = models.BooleanField(
        "needs a second factor",
        default=False,
        help_text="Who has it signs in with a second factor, or only to set one up.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    parents = models.ManyToManyField(
        "self", through="RoleParent", symmetrical=False, related_name="heirs"
    )

    class Meta:
        default_permissions = ("view",)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.label or self.name


class RoleParent(models.Model):
    """`role` has everything that `parent` has. A trigger refuses cycles."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    role = models.ForeignKey(Role, models.CASCADE, related_name="parent_links")
    parent = models.ForeignKey(Role, models.CASCADE, related_name="heir_links")

    class Meta:
        default_permissions = ()
        verbose_name = "inherited role"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["role", "parent"], name="rbac_roleparent_once"
            ),
            models.CheckConstraint(
                condition=~Q(role=F("parent")), name="rbac_roleparent_not_itself"
            ),
        ]

    def __str__(self) -> str:
        return "inherited role"


class RoleGrant(models.Model):
    """One line of a role: a code or pattern, allowed or denied, when and for what."""

    class Effect(models.TextChoices):
        ALLOW = "allow", "allow"
        DENY = "deny", "deny"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    role = models.ForeignKey(Role, models.CASCADE, related_name="grants")
    code = models.CharField(
        "permission", max_length=150, help_text="A code, a pattern like read_*, or *."
    )
    effect = models.CharField(
        max_length=5, choices=Effect.choices, default=Effect.ALLOW
    )
    condition = models.TextField(
        blank=True, default="", max_length=4096, help_text="Holds only if this is true."
    )
    row_filter = models.TextField(
        blank=True,
        default="",
        max_length=4096,
        help_text="Covers only rows where this is true.",
    )
    # None: all columns.
    columns = models.JSONField(null=True, blank=True, default=None)
    requires_step_up = models.BooleanField(
        default=False, help_text="Only shortly after a second factor was shown again."
    )

    class Meta:
        default_permissions = ()
        ordering = ("code", "effect", "id")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(effect__in=["allow", "deny"]), name="rbac_rolegrant_effect"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.effect} {self.code}"


class Assignment(models.Model):
    """Who has which role, from when until when, why, and who gave it.

    Rows are never reused: revoking stamps the row, so history stays readable.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="role_assignments"
    )
    role = models.ForeignKey(Role, models.CASCADE, related_name="assignments")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        editable=False,
    )
    revoke_reason = models.CharField(
        max_length=500, blank=True, default="", editable=False
    )

    class Meta:
        default_permissions = ("view",)
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [
            models.Index(
                fields=["user"],
                condition=Q(revoked_at__isnull=True),
                name="rbac_assignment_live",
            ),
            models.Index(fields=["-created_at", "-id"], name="rbac_assignment_latest"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True)
                | Q(valid_until__gt=F("valid_from")),
                name="rbac_assignment_ends_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""), name="rbac_assignment_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role_id} of {self.user_id}"

    def is_active_at(self, now: datetime) -> bool:
        """Whether it counts at `now`: from is inclusive, until is not."""
        if self.revoked_at is not None or now < self.valid_from:
            return False
        return self.valid_until is None or now < self.valid_until


class PolicyStamp(models.Model):
    """One row. Triggers give it a new value in each transaction that edits roles.

    A random value, not a counter: a counter that was rolled back would come again and
    make a cache that was filled inside the lost transaction look valid.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    revision = models.UUIDField(default=uuid4)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="rbac_policystamp_one_row"),
        ]

    def __str__(self) -> str:
        return str(self.revision)


class PolicyChange(models.Model):
    """Which role a revision of the policy touched; none means all of them.

    Written by the triggers that write the revision, in the order of the commits; the
    last 20,000 are kept. Without foreign keys: it outlives the roles that it names.
    """

    id = models.BigAutoField(primary_key=True)
    revision = models.UUIDField(default=uuid4, db_index=True)
    role_id = models.UUIDField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.revision)


class UserStamp(models.Model):
    """The same for one person's assignments; no row means none were ever made.

    Without a foreign key: deleting a person deletes his assignments, and their trigger
    writes the stamp once more. What is left names nobody.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        primary_key=True,
        db_constraint=False,
        related_name="policy_stamp",
    )
    revision = models.UUIDField(default=uuid4)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.revision)
