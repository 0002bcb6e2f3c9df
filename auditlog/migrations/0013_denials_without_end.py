"""A rule for refusals that were too many to be written one by one."""

from django.db import migrations

NAME = "denials_without_end"
RULE = {
    "title": "Refused more than 30 times in 5 minutes, and went on",
    "suspicion": "A program tries how far the account reaches",
    "kind": "value_sum",
    "group": "actor",
    "window_seconds": 3600,
    "severity": "error",
    "runbook": "denials",
    "risk": 0,
    "parameters": {"events": ["authorization_denials_left_out"], "more_than": 0},
}


def seed(apps, schema_editor):
    apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    ).get_or_create(name=NAME, defaults=RULE)


def unseed(apps, schema_editor):
    apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    ).filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0012_count_wrong_codes")]
    operations = [migrations.RunPython(seed, unseed)]
