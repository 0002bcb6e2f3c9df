"""The database roles, as the one text that psql runs here and anywhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADER = """\
-- The roles of chatsec. For psql as a superuser; may be run again at any time.
-- Afterwards give each role a password, for example: \\password chatsec_app
"""

_ROLES = """\
\\set ON_ERROR_STOP on
SELECT format('CREATE ROLE %I', name)
  FROM unnest(ARRAY['chatsec_owner', 'chatsec_app', 'chatsec_retention',
                    'chatsec_business_ro', 'chatsec_business_owner']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\\gexec
-- Migrations: owns the tables and is used for nothing else.
ALTER ROLE chatsec_owner LOGIN NOSUPERUSER {createdb}
  NOCREATEROLE NOREPLICATION NOBYPASSRLS;
-- Web and worker: owns nothing, so it can neither drop a trigger nor a partition.
ALTER ROLE chatsec_app LOGIN NOSUPERUSER NOCREATEDB
  NOCREATEROLE NOREPLICATION NOBYPASSRLS;
-- Retention: removes what has expired, through functions of the owner.
ALTER ROLE chatsec_retention LOGIN NOSUPERUSER NOCREATEDB
  NOCREATEROLE NOREPLICATION NOBYPASSRLS;
-- The company's own data: read only, and from no other database.
ALTER ROLE chatsec_business_ro LOGIN NOSUPERUSER NOCREATEDB
  NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE chatsec_business_ro SET default_transaction_read_only = on;
ALTER ROLE chatsec_business_owner LOGIN NOSUPERUSER NOCREATEDB
  NOCREATEROLE NOREPLICATION NOBYPASSRLS;
"""

_DATABASES = """\
SELECT 'CREATE DATABASE {database} OWNER chatsec_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}')
\\gexec
SELECT 'CREATE DATABASE {business} OWNER chatsec_business_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{business}')
\\gexec
-- Everybody may connect to a new database unless told otherwise.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE ALL ON DATABASE {business} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO chatsec_app, chatsec_retention;
GRANT CONNECT ON DATABASE {business} TO chatsec_business_ro;
\\connect {database}
{closed}
\\connect {business}
{closed}
GRANT USAGE ON SCHEMA public TO chatsec_business_ro;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO chatsec_business_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE chatsec_business_owner IN SCHEMA public
  GRANT SELECT ON TABLES TO chatsec_business_ro;
"""

# A read-only login could still store large objects: everybody may call these, and the
# read-only default is one that a session can change.
_CLOSED = """\
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION
  lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea),
  lo_put(oid, bigint, bytea),
  lowrite(integer, bytea), lo_truncate(integer, integer), lo_truncate64(integer, bigint)
  FROM PUBLIC;"""

# Only where every database of the server is ours.
_WHOLE_SERVER = """\
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
"""
_TEST_SERVER = """\
GRANT CONNECT ON DATABASE postgres TO chatsec_owner, chatsec_business_owner;
"""


@dataclass(frozen=True)
class Databases:
    """The names of the two databases."""

    own: str = "chatsec"
    business: str = "demo_business"

    def __post_init__(self) -> None:
        for name in (self.own, self.business):
            if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
                raise ValueError(f"{name!r} is not a plain database name.")


def sql_for_roles(databases: Databases | None = None) -> str:
    """Return what an administrator runs with psql on a server of his own."""
    return _HEADER + _body(databases or Databases(), createdb="NOCREATEDB")


def sql_for_embedded(passwords: dict[str, str], *, for_tests: bool) -> str:
    """Return the same for the embedded server, with the passwords set first.

    The server's log never holds them: it is told not to log statements.
    """
    names = [name for name in passwords if name.startswith("chatsec_")]
    secrets = [f"ALTER ROLE {name} PASSWORD '{passwords[name]}';" for name in names]
    body = _body(Databases(), createdb="CREATEDB" if for_tests else "NOCREATEDB")
    server = _WHOLE_SERVER + (_TEST_SERVER if for_tests else "")
    return "\n".join([body, "\\connect postgres", server, *secrets, ""])


def _body(databases: Databases, *, createdb: str) -> str:
    return _ROLES.format(createdb=createdb) + _DATABASES.format(
        database=databases.own, business=databases.business, closed=_CLOSED
    )
