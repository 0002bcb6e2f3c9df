"""A journal of which roles each change of policy touched, so that caches reload those.

The triggers that date policy write it in the same transaction. They hold the stamp's
row until the commit, so the journal's order is the order of the commits.
"""

import uuid

from django.db import migrations, models

STAMP_EVERYTHING = """
CREATE OR REPLACE FUNCTION rbac_stamp_policy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    current uuid := gen_random_uuid();
BEGIN
    INSERT INTO rbac_policystamp (id, revision) VALUES (1, current)
    ON CONFLICT (id) DO UPDATE SET revision = EXCLUDED.revision;
    INSERT INTO rbac_policychange (revision, role_id) VALUES (current, NULL);
    RETURN NULL;
END $$;
"""

STAMP_ROLES = """
CREATE FUNCTION rbac_stamp_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    current uuid := gen_random_uuid();
    touched uuid[];
    newest bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT {column}) INTO touched FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT {column}) INTO touched FROM old_rows;
    ELSE
        SELECT array_agg({column}) INTO touched FROM (
            SELECT {column} FROM old_rows UNION SELECT {column} FROM new_rows
        ) changed;
    END IF;
    IF touched IS NULL THEN
        RETURN NULL;
    END IF;
    -- First the stamp: its row is the lock that keeps the journal in commit order.
    INSERT INTO rbac_policystamp (id, revision) VALUES (1, current)
    ON CONFLICT (id) DO UPDATE SET revision = EXCLUDED.revision;
    INSERT INTO rbac_policychange (revision, role_id)
    SELECT current, changed FROM unnest(touched) changed;
    SELECT max(id) INTO newest FROM rbac_policychange;
    DELETE FROM rbac_policychange WHERE id <= newest - 20000;
    RETURN NULL;
END $$;

DROP TRIGGER rbac_stamp ON rbac_{table};
CREATE TRIGGER rbac_stamp AFTER TRUNCATE ON rbac_{table}
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_policy();
CREATE TRIGGER rbac_stamp_insert AFTER INSERT ON rbac_{table}
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_{table}();
CREATE TRIGGER rbac_stamp_update AFTER UPDATE ON rbac_{table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_{table}();
CREATE TRIGGER rbac_stamp_delete AFTER DELETE ON rbac_{table}
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_{table}();
"""

# What is loaded from here on can be refreshed from here on.
BEGIN_JOURNAL = """
INSERT INTO rbac_policychange (revision, role_id)
SELECT revision, NULL FROM rbac_policystamp;
"""

FORGET_ROLES = """
DROP TRIGGER rbac_stamp_insert ON rbac_{table};
DROP TRIGGER rbac_stamp_update ON rbac_{table};
DROP TRIGGER rbac_stamp_delete ON rbac_{table};
DROP TRIGGER rbac_stamp ON rbac_{table};
DROP FUNCTION rbac_stamp_{table}();
CREATE TRIGGER rbac_stamp AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON rbac_{table}
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_policy();
"""

STAMP_ONLY = """
CREATE OR REPLACE FUNCTION rbac_stamp_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rbac_policystamp (id, revision) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET revision = EXCLUDED.revision;
    RETURN NULL;
END $$;
"""

# Each table with the column that names the role it changes.
TABLES = [("role", "id"), ("rolegrant", "role_id"), ("roleparent", "role_id")]


def _for_each_table(statements):
    return "".join(
        statements.format(table=table, column=column) for table, column in TABLES
    )


class Migration(migrations.Migration):
    dependencies = [("rbac", "0005_role_groups")]

    operations = [
        migrations.CreateModel(
            name="PolicyChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("revision", models.UUIDField(db_index=True, default=uuid.uuid4)),
                ("role_id", models.UUIDField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunSQL(
            STAMP_EVERYTHING + _for_each_table(STAMP_ROLES) + BEGIN_JOURNAL,
            _for_each_table(FORGET_ROLES) + STAMP_ONLY,
        ),
    ]
