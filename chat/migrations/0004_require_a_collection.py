"""No article without a collection."""

import django.db.models.deletion
from django.db import migrations, models
from uuid import UUID


class Migration(migrations.Migration):
    dependencies = [("chat", "0003_collect_articles")]

    operations = [
        migrations.AlterField(
            model_name="article",
            name="collection",
            field=models.ForeignKey(
                default=UUID("01940000-0000-7000-8000-000000000002"),
                on_delete=django.db.models.deletion.PROTECT,
                related_name="articles",
                to="chat.knowledgecollection",
            ),
        ),
    ]
