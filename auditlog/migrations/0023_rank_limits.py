"""What comparing with the own past finds lets other limits cry wolf less often."""

from django.db import migrations

BEFORE = {"of": ["reads", "refusals", "hours"], "days": [1, 3, 7]}
ASPECTS = {"of": ["reads", "refusals", "hours", "acts"], "days": [1, 3, 7]}
READS = ["data_access"]
RISING = {"metric": "records", "days": 10, "slack": 1, "at_least": 100}
# Name, what was seeded before, and what takes its place.
CHANGED = [
    (
        "unlike_oneself",
        {"parameters": {**BEFORE, "bits": 11}},
        {"parameters": {**ASPECTS, "bits": 12}},
    ),
    (
        "somewhat_unlike_oneself",
        {"parameters": {**BEFORE, "bits": 8}, "risk": 35},
        {"parameters": {**ASPECTS, "bits": 9}, "risk": 35},
    ),
    ("risk", {"parameters": {"at_least": 70}}, {"parameters": {"at_least": 80}}),
    (
        "records_rising_slowly",
        {"parameters": {**RISING, "threshold": 8}},
        {"parameters": {**RISING, "threshold": 10}},
    ),
    (
        "record_reads_in_1_hour",
        {"title": "More than 30 reads of records in an hour",
         "parameters": {"events": READS, "more_than": 30, "yields_to_declared": True}},
        {"title": "More than 40 reads of records in an hour",
         "parameters": {"events": READS, "more_than": 40, "yields_to_declared": True}},
    ),
]


def exchange(apps, schema_editor, *, old, new):
    """Put the new values where all are still the old ones: others are somebody's own."""
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
    dependencies = [("auditlog", "0022_surprising_acts")]
    operations = [migrations.RunPython(change, change_back)]
