"""Rules about days that are unlike a person's own past."""

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
        {"of": ASPECTS, "days": SPANS, "bits": 9},
    ),
    (
        "somewhat_unlike_oneself",
        "Does what is unlike the own past",
        "Somebody else uses the account, or the owner has other plans",
        "surprise", "actor", WEEK, "notice", "general", 35,
        {"of": ASPECTS, "days": SPANS, "bits": 7},
    ),
]


def rules_of(apps, schema_editor):
    return apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    )


def seed(apps, schema_editor):
    for row in NEW:
        values = dict(zip(COLUMNS, row, strict=True))
        rules_of(apps, schema_editor).get_or_create(
            name=values.pop("name"), defaults=values
        )


def unseed(apps, schema_editor):
    rules_of(apps, schema_editor).filter(name__in=[row[0] for row in NEW]).delete()


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0013_surprise")]
    operations = [migrations.RunPython(seed, unseed)]
