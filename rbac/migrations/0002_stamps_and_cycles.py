"""Triggers: every write of policy, by any path, dates what others have cached.

They run in the writer's own transaction, so nobody can see the change and the old stamp
together. A trigger also keeps inheritance free of cycles, one writer at a time.
"""

from django.db import migrations

FORWARDS = """
INSERT INTO rbac_policystamp (id, revision) VALUES (1, gen_random_uuid());

CREATE FUNCTION rbac_stamp_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rbac_policystamp (id, revision) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET revision = EXCLUDED.revision;
    RETURN NULL;
END $$;

CREATE TRIGGER rbac_stamp AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON rbac_role
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_policy();
CREATE TRIGGER rbac_stamp AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON rbac_rolegrant
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_policy();
CREATE TRIGGER rbac_stamp AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON rbac_roleparent FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_policy();
CREATE TRIGGER rbac_stamp AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON auth_permission FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_policy();
CREATE TRIGGER rbac_stamp_all AFTER TRUNCATE ON rbac_assignment
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_policy();

CREATE FUNCTION rbac_stamp_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- In order of id, so that two bulk writers cannot deadlock.
    IF TG_OP = 'INSERT' THEN
        INSERT INTO rbac_userstamp (user_id, revision)
        SELECT user_id, gen_random_uuid() FROM new_rows GROUP BY user_id ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET revision = EXCLUDED.revision;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO rbac_userstamp (user_id, revision)
        SELECT user_id, gen_random_uuid() FROM old_rows GROUP BY user_id ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET revision = EXCLUDED.revision;
    ELSE
        INSERT INTO rbac_userstamp (user_id, revision)
        SELECT user_id, gen_random_uuid()
        FROM (SELECT user_id FROM old_rows UNION SELECT user_id FROM new_rows) changed
        ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET revision = EXCLUDED.revision;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER rbac_stamp_insert AFTER INSERT ON rbac_assignment
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_users();
CREATE TRIGGER rbac_stamp_update AFTER UPDATE ON rbac_assignment
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_users();
CREATE TRIGGER rbac_stamp_delete AFTER DELETE ON rbac_assignment
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rbac_stamp_users();

CREATE FUNCTION rbac_refuse_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The stamp's row is the lock: a second writer waits here and then, with a new
    -- snapshot, sees what the first one committed.
    INSERT INTO rbac_policystamp (id, revision) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET revision = EXCLUDED.revision;
    IF EXISTS (
        WITH RECURSIVE ancestors(id) AS (
            SELECT NEW.parent_id
            UNION
            SELECT link.parent_id FROM rbac_roleparent link
            JOIN ancestors ON link.role_id = ancestors.id
        )
        SELECT 1 FROM ancestors WHERE id = NEW.role_id
    ) THEN
        RAISE EXCEPTION 'a role cannot inherit from itself'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rbac_roleparent_no_cycle';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER rbac_refuse_cycle AFTER INSERT OR UPDATE ON rbac_roleparent
    FOR EACH ROW EXECUTE FUNCTION rbac_refuse_cycle();
"""

BACKWARDS = """
DROP TRIGGER rbac_stamp ON auth_permission;
DROP TRIGGER rbac_stamp ON rbac_role;
DROP TRIGGER rbac_stamp ON rbac_rolegrant;
DROP TRIGGER rbac_stamp ON rbac_roleparent;
DROP TRIGGER rbac_refuse_cycle ON rbac_roleparent;
DROP TRIGGER rbac_stamp_all ON rbac_assignment;
DROP TRIGGER rbac_stamp_insert ON rbac_assignment;
DROP TRIGGER rbac_stamp_update ON rbac_assignment;
DROP TRIGGER rbac_stamp_delete ON rbac_assignment;
DROP FUNCTION rbac_refuse_cycle();
DROP FUNCTION rbac_stamp_users();
DROP FUNCTION rbac_stamp_policy();
DELETE FROM rbac_policystamp;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("rbac", "0001_roles_and_assignments"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
