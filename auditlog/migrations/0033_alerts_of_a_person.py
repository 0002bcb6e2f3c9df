"""What was found about one person is read without all that was found."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0032_exported_entries_back")]
    operations = [
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                fields=["actor_pseudonym", "-last_at"], name="alert_of_person"
            ),
        ),
    ]
