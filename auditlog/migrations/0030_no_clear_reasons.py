from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0029_seal_reasons")]

    operations = [
        migrations.RemoveField(model_name="ruleexception", name="reason"),
        migrations.AddConstraint(
            model_name="ruleexception",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason_sealed", b""), _negated=True),
                name="exception_has_reason",
            ),
        ),
    ]
