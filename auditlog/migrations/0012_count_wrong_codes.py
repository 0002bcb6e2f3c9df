"""Wrong codes at sign-in are events of their own: rules that counted them still do."""

from django.db import migrations

BEFORE = ["accounts.sign_in_failed"]
AFTER = ["accounts.sign_in_failed", "accounts.second_factor_failed"]
# As 0010 seeded them: what counts failed sign-ins, in `first` where there is an order.
SEEDED = (
    "failed_sign_ins_in_5_minutes",
    "password_spray_one_network",
    "password_spray_many_networks",
    "credential_stuffing_sign_in",
    "failed_sign_ins_of_one_network",
    "failed_sign_ins_in_1_hour",
    "failed_sign_ins_in_24_hours",
    "sign_in_after_failures",
    "sign_in_after_spray",
)


def replace(apps, schema_editor, before, after):
    """Exchange the events where they are still the seeded ones; limits stay."""
    rules = apps.get_model("auditlog", "DetectionRule").objects.using(
        schema_editor.connection.alias
    )
    for rule in rules.filter(name__in=SEEDED):
        told = rule.parameters.get("first", rule.parameters)
        if told.get("events") == before:
            told["events"] = after
            rule.save(update_fields=["parameters"])


def count(apps, schema_editor):
    replace(apps, schema_editor, BEFORE, AFTER)


def uncount(apps, schema_editor):
    replace(apps, schema_editor, AFTER, BEFORE)


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0011_summarise_new_pages")]
    operations = [migrations.RunPython(count, uncount)]
