"""Who takes evidence takes events out of the log: rules about exports count it too."""

from django.db import migrations

EXPORT, EVIDENCE = "auditlog.export_started", "auditlog.evidence_exported"
# Rules that count exports, and what they were seeded with.
SEEDED = {
    "audit_export": [EXPORT],
    "export_to_unknown_network": ["privacy.export_downloaded", EXPORT],
}
NAME = "audit_export_off_hours"
RULE = {
    "title": "The audit log was exported at an hour at which one is hardly ever there",
    "suspicion": "Somebody studies how he is watched, while nobody looks",
    "kind": "off_hours",
    "group": "actor",
    "window_seconds": 7200,
    "severity": "warning",
    "runbook": "general",
    "risk": 0,
    "parameters": {
        "events": [EXPORT, EVIDENCE],
        "share": 0.03,
        "at_least": 1,
        "after_hours": 30,
    },
}


def rules_of(apps, schema_editor):
    return apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    )


def exchange(rules, *, before, after):
    """Exchange the events where they are still the seeded ones."""
    for name, seeded in SEEDED.items():
        for rule in rules.filter(name=name):
            if rule.parameters.get("events") == before(seeded):
                rule.parameters["events"] = after(seeded)
                rule.save(update_fields=["parameters"])


def alone(seeded):
    return seeded


def with_evidence(seeded):
    return [*seeded, EVIDENCE]


def count(apps, schema_editor):
    rules = rules_of(apps, schema_editor)
    exchange(rules, before=alone, after=with_evidence)
    rules.get_or_create(name=NAME, defaults=RULE)


def uncount(apps, schema_editor):
    rules = rules_of(apps, schema_editor)
    exchange(rules, before=with_evidence, after=alone)
    rules.filter(name=NAME, parameters=RULE["parameters"]).delete()


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0026_exported_entries")]
    operations = [migrations.RunPython(count, uncount)]
