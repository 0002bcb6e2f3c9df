"""Every article is in a collection: what everybody may read, or the rest."""

from uuid import UUID

from django.db import migrations
from django.utils import timezone

PUBLIC_ANSWERS = UUID("01940000-0000-7000-8000-000000000001")
INTERNAL = UUID("01940000-0000-7000-8000-000000000002")
COLLECTIONS = {
    PUBLIC_ANSWERS: ("Public answers", "What everybody may read."),
    INTERNAL: ("Internal", "Articles for people of the company."),
}


def collect(apps, schema_editor):
    alias = schema_editor.connection.alias
    collections = apps.get_model("chat", "KnowledgeCollection").objects.using(alias)
    articles = apps.get_model("chat", "Article").objects.using(alias)
    articles = articles.filter(collection=None)
    for collection_id, (name, description) in COLLECTIONS.items():
        collections.create(
            id=collection_id,
            name=name,
            description=description,
            updated_at=timezone.now(),
        )
    articles.filter(permission="read_public_faq").update(collection_id=PUBLIC_ANSWERS)
    articles.update(collection_id=INTERNAL)


def scatter(apps, schema_editor):
    alias = schema_editor.connection.alias
    apps.get_model("chat", "Article").objects.using(alias).update(collection=None)
    collections = apps.get_model("chat", "KnowledgeCollection").objects.using(alias)
    collections.filter(id__in=COLLECTIONS).delete()


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_add_collections_and_object_permissions")]

    operations = [migrations.RunPython(collect, scatter)]
