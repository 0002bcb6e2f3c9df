"""The permission to deal with incidents; administrators hold it by their `*`."""

from django.db import migrations

CODE, NAME = "manage_incidents", "Deal with incidents and say who is told"


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
    dependencies = [("rbac", "0008_administrators_need_a_factor")]

    operations = [migrations.RunPython(seed, unseed)]
