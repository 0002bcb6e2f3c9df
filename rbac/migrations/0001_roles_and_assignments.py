import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Domain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
            ],
            options={
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=63,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z][a-z0-9_]{0,62}\\Z",
                                "Use lower case letters, digits and underscores, beginning with a letter.",
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=100)),
                (
                    "description",
                    models.TextField(blank=True, default="", max_length=1000),
                ),
                ("is_system", models.BooleanField(default=False, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="UserStamp",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="policy_stamp",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("revision", models.UUIDField(default=uuid.uuid4)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="PolicyStamp",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("revision", models.UUIDField(default=uuid.uuid4)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="rbac_policystamp_one_row"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleParent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="heir_links",
                        to="rbac.role",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parent_links",
                        to="rbac.role",
                    ),
                ),
            ],
            options={
                "verbose_name": "inherited role",
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="role",
            name="parents",
            field=models.ManyToManyField(
                related_name="heirs", through="rbac.RoleParent", to="rbac.role"
            ),
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("valid_from", models.DateTimeField(default=django.utils.timezone.now)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(max_length=500)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                (
                    "revoke_reason",
                    models.CharField(
                        blank=True, default="", editable=False, max_length=500
                    ),
                ),
                (
                    "granted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="role_assignments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assignments",
                        to="rbac.role",
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=["user"],
                        name="rbac_assignment_live",
                    ),
                    models.Index(
                        fields=["-created_at", "-id"], name="rbac_assignment_latest"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until__isnull", True),
                            ("valid_until__gt", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="rbac_assignment_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="rbac_assignment_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleGrant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        help_text="A code, a pattern like read_*, or *.",
                        max_length=150,
                        verbose_name="permission",
                    ),
                ),
                (
                    "effect",
                    models.CharField(
                        choices=[("allow", "allow"), ("deny", "deny")],
                        default="allow",
                        max_length=5,
                    ),
                ),
                (
                    "condition",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Holds only if this is true.",
                        max_length=4096,
                    ),
                ),
                (
                    "row_filter",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Covers only rows where this is true.",
                        max_length=4096,
                    ),
                ),
                ("columns", models.JSONField(blank=True, default=None, null=True)),
                (
                    "requires_step_up",
                    models.BooleanField(
                        default=False,
                        help_text="Only shortly after a second factor was shown again.",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="rbac.role",
                    ),
                ),
            ],
            options={
                "ordering": ("code", "effect", "id"),
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("effect__in", ["allow", "deny"])),
                        name="rbac_rolegrant_effect",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="roleparent",
            constraint=models.UniqueConstraint(
                fields=("role", "parent"), name="rbac_roleparent_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="roleparent",
            constraint=models.CheckConstraint(
                condition=models.Q(("role", models.F("parent")), _negated=True),
                name="rbac_roleparent_not_itself",
            ),
        ),
    ]
