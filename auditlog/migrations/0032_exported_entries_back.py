"""Going back from here, that evidence was taken is kept as a note without words.

Forward nothing happens: the line is there since 0026, which cannot be taken back while
there are entries of its kind.
"""

from django.db import migrations


def become_notes(apps, schema_editor):
    rows = apps.get_model("auditlog", "IncidentEntry").objects
    rows = rows.using(schema_editor.connection.alias)
    rows.filter(kind="exported").update(kind="note")


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0031_hours_by_person")]
    operations = [migrations.RunPython(migrations.RunPython.noop, become_notes)]
