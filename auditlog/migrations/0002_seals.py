"""Seals, anchors, and the cluster that an event was written in."""

import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models
from psycopg2 import sql

from auditlog.migrations import _seal_sql


def grant_sealer(apps, schema_editor):
    role = settings.DATABASES["retention"]["USER"]
    with schema_editor.connection.cursor() as cursor:
        text = sql.SQL(_seal_sql.GRANTS)
        cursor.execute(text.format(role=sql.Identifier(role)))


class Migration(migrations.Migration):

    dependencies = [
        ('auditlog', '0001_event_log'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(_seal_sql.EPOCH, _seal_sql.DROP_EPOCH)
            ],
            state_operations=[
                migrations.AddField(
                    model_name="event",
                    name="epoch",
                    field=models.SmallIntegerField(default=1),
                ),
            ],
        ),
        migrations.CreateModel(
            name='Anchor',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('head', models.BinaryField(max_length=32)),
                ('sink', models.CharField(max_length=200)),
                ('anchored_at', models.DateTimeField()),
                ('receipt', models.TextField(blank=True)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['sink', 'number'], name='anchor_by_sink')],
            },
        ),
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('events', 'events'), ('heartbeat', 'heartbeat'), ('swept', 'swept'), ('pruned', 'pruned'), ('epoch', 'epoch'), ('key', 'key')], max_length=12)),
                ('sealed_at', models.DateTimeField()),
                ('epoch', models.SmallIntegerField()),
                ('key_id', models.CharField(max_length=64)),
                ('count', models.PositiveIntegerField(default=0)),
                ('root', models.BinaryField(max_length=32)),
                ('body', models.TextField()),
                ('previous', models.BinaryField(max_length=32)),
                ('head', models.BinaryField(max_length=32, unique=True)),
                ('signature', models.BinaryField(max_length=64)),
                ('xid_from', models.BigIntegerField(null=True)),
                ('xid_below', models.BigIntegerField(null=True)),
                ('event_ids', models.BinaryField(null=True)),
                ('leaves', models.BinaryField(null=True)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('epoch', 'xid_from'), name='seal_one_per_window'), models.CheckConstraint(condition=models.Q(('kind__in', ('events', 'heartbeat', 'swept', 'pruned', 'epoch', 'key'))), name='seal_kind_known')],
            },
        ),
        migrations.RunSQL(
            "".join(
                _seal_sql.GUARDS.format(table=table)
                for table in ("auditlog_seal", "auditlog_anchor")
            ),
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(grant_sealer, migrations.RunPython.noop),
    ]
