"""The event log with its partitions, triggers and functions; alerts."""

import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models
from psycopg2 import sql

from auditlog.migrations import _event_sql

CATEGORIES = ["access", "authorization", "data_access", "audit", "error", "security"]
OUTCOMES = ["success", "failure", "denied", "error"]
SEVERITIES = ["info", "notice", "warning", "error", "critical"]
ALERT_STATES = ["open", "acknowledged", "resolved"]


def choices(values):
    return [(value, value.replace("_", " ")) for value in values]


def grant_retention(apps, schema_editor):
    role = settings.DATABASES["retention"]["USER"]
    with schema_editor.connection.cursor() as cursor:
        text = sql.SQL(_event_sql.RETENTION_GRANTS)
        cursor.execute(text.format(role=sql.Identifier(role)))


EVENT_SQL = "".join(
    [
        _event_sql.TABLE,
        _event_sql.TRIGGERS,
        _event_sql.RETENTION_DAYS,
        _event_sql.ENSURE_PARTITIONS,
        _event_sql.EXPIRY,
        _event_sql.FIRST_PARTITIONS,
    ]
)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(EVENT_SQL, _event_sql.DROP)],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "event_id",
                            models.UUIDField(
                                default=uuid_utils.compat.uuid7,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("category", models.TextField(choices=choices(CATEGORIES))),
                        ("occurred_at", models.DateTimeField()),
                        ("event_type", models.TextField()),
                        ("severity", models.TextField(choices=choices(SEVERITIES))),
                        ("outcome", models.TextField(choices=choices(OUTCOMES))),
                        ("actor_kind", models.TextField()),
                        ("actor_pseudonym", models.UUIDField(null=True)),
                        ("subject_pseudonym", models.UUIDField(null=True)),
                        ("channel", models.TextField()),
                        ("session_hash", models.BinaryField(null=True)),
                        ("ip_hash", models.BinaryField(null=True)),
                        ("request_id", models.TextField()),
                        ("resource_type", models.TextField()),
                        ("resource_id", models.TextField()),
                        ("classification", models.TextField()),
                        ("result_count", models.IntegerField(null=True)),
                        ("details", models.BinaryField(null=True)),
                        ("subject_details", models.BinaryField(null=True)),
                        ("redacted", models.BooleanField(default=False)),
                        ("redaction_count", models.IntegerField(default=0)),
                        ("expires_at", models.DateTimeField()),
                        ("schema_version", models.SmallIntegerField()),
                        ("xid", models.BigIntegerField()),
                    ],
                    options={"db_table": "auditlog_event", "default_permissions": ()},
                ),
            ],
        ),
        migrations.RunPython(grant_retention, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Alert",
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
                ("rule", models.CharField(max_length=60)),
                ("fingerprint", models.CharField(max_length=64, unique=True)),
                ("actor_pseudonym", models.UUIDField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("count", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=choices(ALERT_STATES), default="open", max_length=12
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["rule", "actor_pseudonym", "last_at"],
                        name="alert_episode",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(state__in=ALERT_STATES),
                        name="alert_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(last_at__gte=models.F("first_at")),
                        name="alert_ends_after_start",
                    ),
                ],
            },
        ),
    ]
