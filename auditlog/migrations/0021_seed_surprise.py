"""Rules about days unlike a person's own past; limits that cried over ordinary days."""

from django.db import migrations

WEEK = 7 * 24 * 60 * 60
ASPECTS = ["reads", "refusals", "hours"]
SPANS = [1, 3, 7]
COLUMNS = (
    "name", "title", "suspicion", "kind", "group", "window_seconds", "severity",
    "runbook", "risk", "parameters",
)
NEW = [
    (
        "unlike_oneself",
        "Does what is very unlike the own past",
        "Somebody else uses the account, or the owner has other plans",
        "surprise", "actor", WEEK, "error", "general", 0,
        {"of": ASPECTS, "days": SPANS, "bits": 11},
    ),
    (
        "somewhat_unlike_oneself",
        "Does what is unlike the own past",
        "Somebody else uses the account, or the owner has other plans",
        "surprise", "actor", WEEK, "notice", "general", 35,
        {"of": ASPECTS, "days": SPANS, "bits": 8},
    ),
]

# What ordinary people do now and then, and is now compared with their own past: name,
# what 0010 seeded, and what takes its place.
CHANGED = [
    (
        "denials_in_24_hours",
        {"title": "Refused more than 5 times in 24 hours",
         "parameters": {"events": ["authorization_denied"], "more_than": 5}},
        {"title": "Refused more than 9 times in 24 hours",
         "parameters": {"events": ["authorization_denied"], "more_than": 9}},
    ),
    (
        "denials_in_3_days",
        {"title": "Refused more than 8 times in 3 days",
         "parameters": {"events": ["authorization_denied"], "more_than": 8}},
        {"title": "Refused more than 14 times in 3 days",
         "parameters": {"events": ["authorization_denied"], "more_than": 14}},
    ),
    (
        "off_hours_reads",
        {"parameters": {"events": ["data_access"], "share": 0.03, "at_least": 10,
                        "after_hours": 30}},
        {"parameters": {"events": ["data_access"], "share": 0.03, "at_least": 20,
                        "after_hours": 30}},
    ),
]


def rules_of(apps, schema_editor):
    return apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    )


def exchange(apps, schema_editor, *, old, new):
    """Put the new values where all are still the old ones: others are somebody's own."""
    for row in CHANGED:
        rules_of(apps, schema_editor).filter(name=row[0], **row[old]).update(**row[new])


def seed(apps, schema_editor):
    for row in NEW:
        values = dict(zip(COLUMNS, row, strict=True))
        rules_of(apps, schema_editor).get_or_create(
            name=values.pop("name"), defaults=values
        )
    exchange(apps, schema_editor, old=1, new=2)


def unseed(apps, schema_editor):
    rules_of(apps, schema_editor).filter(name__in=[row[0] for row in NEW]).delete()
    exchange(apps, schema_editor, old=2, new=1)


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0020_surprise")]
    operations = [migrations.RunPython(seed, unseed)]
