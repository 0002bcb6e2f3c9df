"""Tokens are sessions' here: the library's own token tables take no row."""

from django.db import migrations

TABLES = ("accesstoken", "devicegrant", "grant", "idtoken", "refreshtoken")


def constraint(table):
    return migrations.RunSQL(
        f"ALTER TABLE oauth2_provider_{table}"
        f" ADD CONSTRAINT {table}_is_not_used CHECK (false)",
        f"ALTER TABLE oauth2_provider_{table} DROP CONSTRAINT {table}_is_not_used",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_oauth_applications"),
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
    ]

    operations = [constraint(table) for table in TABLES]
