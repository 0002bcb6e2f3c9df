"""A group for each role, to hold its permissions on objects; nobody is ever in it."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION rbac_refuse_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM rbac_rolegroup WHERE group_id = NEW.group_id) THEN
        RAISE EXCEPTION 'roles are given by assignments, not by groups'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rbac_no_role_members';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER rbac_no_role_members BEFORE INSERT OR UPDATE ON accounts_user_groups
    FOR EACH ROW EXECUTE FUNCTION rbac_refuse_member();

CREATE FUNCTION rbac_refuse_peopled_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM accounts_user_groups WHERE group_id = NEW.group_id) THEN
        RAISE EXCEPTION 'a role cannot use a group that people are in'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rbac_no_peopled_group';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER rbac_no_peopled_group BEFORE INSERT OR UPDATE ON rbac_rolegroup
    FOR EACH ROW EXECUTE FUNCTION rbac_refuse_peopled_group();
"""
BACKWARDS = """
DROP TRIGGER rbac_no_peopled_group ON rbac_rolegroup;
DROP FUNCTION rbac_refuse_peopled_group();
DROP TRIGGER rbac_no_role_members ON accounts_user_groups;
DROP FUNCTION rbac_refuse_member();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_people_sessions_factors"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("rbac", "0004_govern_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleGroup",
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
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="role_link",
                        to="auth.group",
                    ),
                ),
                (
                    "role",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="object_group",
                        to="rbac.role",
                    ),
                ),
            ],
            options={
                "verbose_name": "holder of object permissions",
                "default_permissions": (),
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
