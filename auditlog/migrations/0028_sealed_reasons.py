from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0027_count_evidence")]

    operations = [
        migrations.RemoveConstraint(
            model_name="ruleexception", name="exception_has_reason"
        ),
        migrations.AddField(
            model_name="ruleexception",
            name="reason_sealed",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
        # Going back, there is a column again for what is unsealed.
        migrations.AlterField(
            model_name="ruleexception",
            name="reason",
            field=models.CharField(default="", max_length=200),
        ),
    ]
