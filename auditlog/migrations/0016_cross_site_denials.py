"""A rule for refusals that another site caused, or that are made to look like it."""

from django.db import migrations

NAME = "denials_from_elsewhere"
RULE = {
    "title": "Another site made a browser ask for what was refused, over 10 times",
    "suspicion": "A page attacks whoever opens it, or somebody hides behind one",
    "kind": "event_count",
    "group": "actor",
    "window_seconds": 3600,
    "severity": "warning",
    "runbook": "denials",
    "risk": 0,
    "parameters": {"events": ["authorization_denied_cross_site"], "more_than": 10},
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
    dependencies = [("auditlog", "0015_rule_trials")]
    operations = [migrations.RunPython(seed, unseed)]
