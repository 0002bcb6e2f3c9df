"""Signs that have one ordinary cause (a journey, a new task) weigh less together."""

from django.db import migrations

# Name, what was seeded before, and what takes its place.
CHANGED = [
    ("off_hours", {"risk": 30}, {"risk": 20}),
    ("record_sets_above_usual", {"risk": 30}, {"risk": 20}),
    ("somewhat_unlike_oneself", {"risk": 35}, {"risk": 30}),
    ("risk", {"parameters": {"at_least": 80}}, {"parameters": {"at_least": 75}}),
]


def exchange(apps, schema_editor, *, old, new):
    """Put the new values where the old ones are still there: others are somebody's."""
    rules = apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    )
    for row in CHANGED:
        rules.filter(name=row[0], **row[old]).update(**row[new])


def change(apps, schema_editor):
    exchange(apps, schema_editor, old=1, new=2)


def change_back(apps, schema_editor):
    exchange(apps, schema_editor, old=2, new=1)


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0023_rank_limits")]
    operations = [migrations.RunPython(change, change_back)]
