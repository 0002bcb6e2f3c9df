"""The administrator's role asks for a second factor."""

from django.db import migrations


def ask(apps, schema_editor):
    roles = apps.get_model("rbac", "Role").objects.using(schema_editor.connection.alias)
    roles.filter(name="admin").update(requires_factor=True)


class Migration(migrations.Migration):
    dependencies = [("rbac", "0007_role_requires_factor")]

    operations = [migrations.RunPython(ask, migrations.RunPython.noop)]
