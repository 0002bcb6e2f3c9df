from django.db import migrations


def seed(apps, schema_editor):
    policies = apps.get_model("privacy", "RetentionPolicy").objects
    policies.using(schema_editor.connection.alias).get_or_create(
        key="notices", defaults={"title": "Notices to account owners", "days": 90}
    )


def remove(apps, schema_editor):
    policies = apps.get_model("privacy", "RetentionPolicy").objects
    policies.using(schema_editor.connection.alias).filter(key="notices").delete()


class Migration(migrations.Migration):
    dependencies = [("privacy", "0003_seed_register")]

    operations = [migrations.RunPython(seed, remove)]
