import subprocess

import psycopg2
import pytest

from chatsec.embedded import postgres, sql_for_roles
from chatsec.embedded.accounts import account_of
from chatsec.embedded.binaries import postgres_bin
from chatsec.embedded.tests.users import place_of, query

DENIED = psycopg2.errors.InsufficientPrivilege


@pytest.fixture
def sales(shared):
    """A table of the company and one of chatsec, as their owners make them."""
    engines = shared[1]
    query(engines.business_owner, "CREATE TABLE sales (n int)")
    query(engines.business_owner, "INSERT INTO sales VALUES (1)")
    query(engines.owner, "CREATE TABLE own (n int)")
    yield engines
    query(engines.business_owner, "DROP TABLE sales")
    query(engines.owner, "DROP TABLE own")


@pytest.mark.parametrize("role", ["app", "retention"])
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine (n int)",
        "CREATE TEMP TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "SELECT * FROM own",
        "INSERT INTO own VALUES (2)",
        "DROP TABLE own",
        "TRUNCATE own",
        "ALTER TABLE own ADD m int",
        "SET ROLE chatsec_owner",
        "SET session_replication_role = replica",
        "SELECT pg_read_file('postgresql.conf')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "ALTER SYSTEM SET fsync = off",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_a_role_without_a_grant_can_do_nothing(sales, role, sql):
    connection = psycopg2.connect(getattr(sales, role).url())
    connection.autocommit = True
    try:
        with connection.cursor() as cursor, pytest.raises(psycopg2.Error) as refusal:
            cursor.execute(sql)
    finally:
        connection.close()

    # DROP by a stranger says "must be owner", which is the same error class.
    assert isinstance(refusal.value, DENIED)


def test_the_business_login_reads(sales):
    assert query(sales.business, "SELECT n FROM sales") == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO sales VALUES (2)",
        "UPDATE sales SET n = 2",
        "DELETE FROM sales",
        "TRUNCATE sales",
        "DROP TABLE sales",
        "CREATE TABLE mine (n int)",
        "CREATE TEMP TABLE mine (n int)",
        "SELECT * INTO TEMP mine FROM sales",
        "SELECT lo_create(0)",
    ],
)
@pytest.mark.parametrize("prelude", ["", "SET default_transaction_read_only = off; "])
def test_the_business_login_never_writes(sales, prelude, sql):
    refusals = (DENIED, psycopg2.errors.ReadOnlySqlTransaction)
    connection = psycopg2.connect(sales.business.url())
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            if prelude:
                cursor.execute(prelude)
            with pytest.raises(refusals):
                cursor.execute(sql)
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("role", "database"),
    [
        ("business", "chatsec"),
        ("business", "postgres"),
        ("business", "template1"),
        ("business_owner", "chatsec"),
        ("app", "demo_business"),
        ("app", "postgres"),
        ("retention", "demo_business"),
        ("owner", "demo_business"),
    ],
)
def test_a_role_reaches_no_other_database(shared, role, database):
    connection = getattr(shared[1], role)
    elsewhere = connection.url().replace(f"/{connection.dbname}?", f"/{database}?")

    with pytest.raises(
        psycopg2.OperationalError, match="permission denied for database"
    ):
        psycopg2.connect(elsewhere)


def test_no_role_is_more_than_it_should_be(shared):
    sql = """
        SELECT rolname FROM pg_roles
         WHERE rolname LIKE 'chatsec%' AND rolcanlogin
           AND NOT (rolsuper OR rolcreatedb OR rolcreaterole
                    OR rolreplication OR rolbypassrls)
         ORDER BY 1"""

    assert [name for (name,) in query(shared[1].superuser, sql)] == [
        "chatsec_app",
        "chatsec_business_owner",
        "chatsec_business_ro",
        "chatsec_owner",
        "chatsec_retention",
    ]


def test_the_printed_sql_may_be_run_again(shared):
    place = place_of(shared[0])
    command = [str(postgres_bin(account_of(place)) / "psql"), "-X", "-q", "-f", "-"]
    command += ["-h", str(place.run), "-U", "postgres", "-d", "postgres"]

    for _ in range(2):
        done = subprocess.run(
            command,
            input=sql_for_roles(),
            env={"PGPASSWORD": place.passwords["postgres"]},
            capture_output=True,
            text=True,
            check=False,
        )

        assert (done.returncode, done.stderr) == (0, "")


def test_the_printed_sql_holds_no_password(shared):
    printed = sql_for_roles()

    assert "PASSWORD '" not in printed
    assert not any(word in printed for word in place_of(shared[0]).passwords.values())


def test_a_changed_password_is_mended_at_the_next_start(shared):
    place = place_of(shared[0])
    query(shared[1].superuser, "ALTER ROLE chatsec_app PASSWORD 'other'")
    place.roles_mark.unlink()

    postgres.bring_roles(place, account_of(place))

    assert query(shared[1].app, "SELECT 1") == [(1,)]
