"""What a thief of the disk finds: a raw dump of the database, Valkey and the logs."""

import io
import logging

import psycopg2
import pytest
import redis
from django.conf import settings
from django.db import connection
from psycopg2 import sql

from accounts.notices import PASSWORD_RESET_ASKED
from accounts.tests.factories import PASSWORD, totp_code, totp_secret
from accounts.tests.links import mailed_token
from chatsec.core.logs import JsonFormatter

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("catalogue"),
]

TEXT = "Show me team sales for Q4, zebra-canary-text"
EMAIL = "carol.canary@example.org"
NAME = "Carolina Canarius"


def raw_database() -> bytes:
    """Return every row of every table, as the owner of the disk would read it."""
    owner = settings.DATABASES["owner"]
    dump = io.BytesIO()
    with (
        psycopg2.connect(
            dbname=connection.settings_dict["NAME"],
            user=owner["USER"],
            password=owner["PASSWORD"],
            host=owner["HOST"],
            port=owner["PORT"] or None,
        ) as raw,
        raw.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT n.nspname, c.relname FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in cursor.fetchall():
            name = sql.Identifier(schema, table)
            cursor.copy_expert(sql.SQL("COPY {} TO STDOUT").format(name), dump)
    raw.close()
    return dump.getvalue()


def raw_valkey() -> bytes:
    """Return every key and value of every Valkey database that is used."""
    found = b""
    for number in range(4):
        url = settings.REDIS_URL.rsplit("=", 1)[0] + f"={number}"
        server = redis.Redis.from_url(url)
        for key in server.scan_iter():
            found += key + (server.dump(key) or b"")
        server.close()
    return found


@pytest.fixture
def logged():
    """Return the text that the log files would hold, at the most talkative level."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def story(api, client, admin, logged):
    """Let carol sign in, ask, step up and export; return the secrets of it all."""
    from accounts.tests.factories import make_user
    from rbac.tests.factories import give_role

    carol = make_user(
        "carol", email=EMAIL, display_name=NAME, department="hr", totp=True
    )
    give_role(carol, "hr_specialist")
    tokens = api().post(
        "/api/v1/auth/token",
        {"username": "carol", "password": PASSWORD, "otp": totp_code(carol)},
    )
    assert tokens.status_code == 200, tokens.content
    access, refresh = tokens.json()["access"], tokens.json()["refresh"]
    headers = {"Authorization": f"Bearer {access}"}
    started = client.post(
        "/api/v1/conversations", {}, content_type="application/json", headers=headers
    )
    path = f"/api/v1/conversations/{started.json()['id']}/messages"
    for text in (TEXT, f"my address is {EMAIL}, call me"):
        told = client.post(
            path, {"text": text}, content_type="application/json", headers=headers
        )
        assert told.status_code == 200, told.content
    client.post(
        "/sign-in", {"username": "carol.canary@example.org", "password": "wrong-zebra"}
    )
    api().post("/api/v1/auth/password/reset", {"username": "carol"})
    reset = mailed_token(carol, kind=PASSWORD_RESET_ASKED)
    secret = totp_secret(carol)
    return {
        "message": b"zebra-canary-text",
        "e-mail": EMAIL.encode(),
        "name": NAME.encode(),
        "password": PASSWORD.encode(),
        "wrong password": b"wrong-zebra",
        "access token": access.encode(),
        "refresh token": refresh.encode(),
        "TOTP secret": secret.encode(),
        "reset token": reset.encode(),
    }


def shapes(secret: bytes) -> list[bytes]:
    """Return the forms in which a dump may show the bytes."""
    return [secret, secret.hex().encode(), secret.lower(), secret.upper()]


def test_no_dump_shows_what_people_said_or_prove_themselves_with(story, logged):
    places = {
        "database": raw_database(),
        "valkey": raw_valkey(),
        "logs": logged.getvalue().encode(),
    }

    assert b"carol" in places["database"], "the dump is empty: the test proves nothing"
    found = [
        f"{what} in {where}"
        for what, secret in story.items()
        for where, dump in places.items()
        if any(shape in dump for shape in shapes(secret))
    ]
    assert found == []
