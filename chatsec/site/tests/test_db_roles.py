from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from chatsec.embedded import sql_for_roles


def printed(**options):
    out = StringIO()
    call_command("db_roles", stdout=out, **options)
    return out.getvalue()


def test_it_prints_what_the_embedded_engines_run():
    assert printed().startswith(sql_for_roles())


def test_it_names_the_databases_as_asked():
    text = printed(database="bot", business_database="erp")

    assert "CREATE DATABASE bot OWNER chatsec_owner" in text
    assert "GRANT CONNECT ON DATABASE erp TO chatsec_business_ro" in text
    assert "demo_business" not in text


@pytest.mark.parametrize("name", ["a; DROP DATABASE x", "A", "", "ä", "a" * 64, "a-b"])
def test_it_refuses_a_name_that_is_none(name):
    with pytest.raises(CommandError, match="not a plain database name"):
        printed(database=name)
