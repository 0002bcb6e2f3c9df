"""Block range indexes that know the newest pages, before a vacuum comes round."""

from django.db import migrations

# A partitioned index takes no ALTER ... SET, and those of its partitions follow its own.
CREATE = """
DROP INDEX public.auditlog_event_time;
DROP INDEX public.auditlog_event_xid;
CREATE INDEX auditlog_event_time ON public.auditlog_event
    USING brin (occurred_at) WITH (pages_per_range = 16{more});
CREATE INDEX auditlog_event_xid ON public.auditlog_event
    USING brin (xid) WITH (pages_per_range = 16{more});
"""


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0010_seed_detection_rules")]
    operations = [
        migrations.RunSQL(
            CREATE.format(more=", autosummarize = on"), CREATE.format(more="")
        )
    ]
