"""The permission to change detection rules; administrators hold it by their `*`."""

from django.db import migrations

CODE, NAME = "manage_detection", "Change detection rules and exceptions"


def seed(apps, schema_editor):
    using = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    domain, _ = content_types.get_or_create(app_label="rbac", model="domain")
    apps.get_model("auth", "Permission").objects.using(using).get_or_create(
        content_type_id=domain.pk, codename=CODE, defaults={"name": NAME}
    )


def unseed(apps, schema_editor):
    using = schema_editor.connection.alias
    apps.get_model("auth", "Permission").objects.using(using).filter(
        content_type__app_label="rbac", content_type__model="domain", codename=CODE
    ).delete()


class Migration(migrations.Migration):
    dependencies = [("rbac", "0009_manage_incidents")]

    operations = [migrations.RunPython(seed, unseed)]
