"""What somebody was shown of groups, as keyed digests."""

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0004_require_a_collection"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReleasedGroup",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("relation_digest", models.BinaryField(max_length=32)),
                ("basis_digest", models.BinaryField(max_length=32)),
                ("group_digest", models.BinaryField(max_length=32)),
                ("members", models.BinaryField()),
                ("persons", models.PositiveIntegerField(editable=False)),
                ("released_at", models.DateTimeField(db_index=True, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "user",
                            "relation_digest",
                            "basis_digest",
                            "group_digest",
                        ),
                        name="released_group_once",
                    )
                ],
            },
        ),
    ]
