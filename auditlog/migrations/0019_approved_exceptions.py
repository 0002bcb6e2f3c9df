"""An exception from a floor rule takes two people; those that there are stay."""

from django.db import migrations, models
from django.db.models import F, Q

FLOOR = [
    "denials_in_5_minutes",
    "denials_in_1_hour",
    "failed_sign_ins_in_5_minutes",
    "queries_in_24_hours",
]


def approve(apps, schema_editor):
    """Let what counted go on counting; nobody is named as the second person."""
    apps.get_model("auditlog", "RuleException").objects.using(
        schema_editor.connection.alias
    ).filter(rule__name__in=FLOOR, approved_at=None).update(approved_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0018_seed_origin_rules")]
    operations = [
        migrations.AddField(
            model_name="ruleexception",
            name="approved_by",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="ruleexception",
            name="approved_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name="ruleexception",
            constraint=models.CheckConstraint(
                condition=Q(approved_by=None)
                | (~Q(approved_by=F("created_by")) & Q(approved_at__isnull=False)),
                name="exception_has_two_people",
            ),
        ),
        migrations.RunPython(approve, migrations.RunPython.noop),
    ]
