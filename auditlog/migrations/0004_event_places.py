"""Where an event's request came from: network, device, country."""

from django.db import migrations, models

ADD = """
ALTER TABLE public.auditlog_event
    ADD COLUMN network_hash bytea,
    ADD COLUMN device_hash bytea,
    ADD COLUMN country text;
"""
DROP = """
ALTER TABLE public.auditlog_event
    DROP COLUMN country,
    DROP COLUMN device_hash,
    DROP COLUMN network_hash;
"""


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0003_index_seals_by_kind")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(ADD, DROP)],
            state_operations=[
                migrations.AddField(
                    "event", "network_hash", models.BinaryField(null=True)
                ),
                migrations.AddField(
                    "event", "device_hash", models.BinaryField(null=True)
                ),
                migrations.AddField("event", "country", models.TextField(null=True)),
            ],
        )
    ]
