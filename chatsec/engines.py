"""Which engines this process talks to: external ones by URL, else the embedded ones."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import environ

from chatsec import embedded
from chatsec.installation import MissingSetting

# These commands touch no database: they must not start one.
WITHOUT_ENGINES = {
    "collectstatic",
    "compilemessages",
    "db_roles",
    "help",
    "makemessages",
}

# PostgreSQL, with what is recorded in a transaction written in one statement.
ENGINE = "chatsec.core.postgresql"
CONNECTION = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
# A host that swallows packets must not hold a request for the system's two minutes.
WAIT = {"connect_timeout": 2}


@dataclass(frozen=True)
class EngineUrls:
    """Where the databases, the cache and the broker are."""

    application: dict[str, Any]
    owner: dict[str, Any]
    retention: dict[str, Any]
    business_url: str
    business_owner_url: str
    cache_url: str
    broker_url: str


def engines(env: environ.Env, data_dir: Path, *, under_test: bool) -> EngineUrls:
    """Return the engines in use, starting the embedded ones if they are meant."""
    database, redis = env.str("DATABASE_URL", ""), env.str("REDIS_URL", "")
    if database and redis:
        return _external(env, database, redis)
    if database or redis:
        raise MissingSetting("REDIS_URL" if database else "DATABASE_URL")
    return _embedded(data_dir, durable=not under_test)


def databases(urls: EngineUrls) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES: one database, three roles."""
    # Mirrors: the test runner makes one database, not three.
    mirror = {"TEST": {"MIRROR": "default"}}
    return {
        "default": {**_with_wait(urls.application), **CONNECTION},
        "owner": {**_with_wait(urls.owner), "CONN_MAX_AGE": 0, **mirror},
        "retention": {**_with_wait(urls.retention), "CONN_MAX_AGE": 0, **mirror},
    }


def _with_wait(database: dict[str, Any]) -> dict[str, Any]:
    options = {**WAIT, **database.get("OPTIONS", {})}
    return {**database, "ENGINE": ENGINE, "OPTIONS": options}


def _external(env: environ.Env, database: str, redis: str) -> EngineUrls:
    def role(name: str) -> dict[str, Any]:
        return dict(env.db_url_config(env.str(name, database)))

    return EngineUrls(
        application=role("DATABASE_URL"),
        owner=role("DATABASE_OWNER_URL"),
        retention=role("DATABASE_RETENTION_URL"),
        business_url=env.str("BUSINESS_DATABASE_URL", ""),
        business_owner_url=env.str("BUSINESS_OWNER_DATABASE_URL", ""),
        cache_url=redis,
        broker_url=broker_of(env.str("CHATSEC_BROKER_URL", redis)),
    )


def broker_of(redis_url: str) -> str:
    """Return the URL by which Celery reaches what redis-py reaches by the given one.

    Celery has names of its own for a socket in the file system and its database.
    """
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    told = dict(parse_qsl(parts.query))
    database = told.get("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


def _embedded(data_dir: Path, *, durable: bool) -> EngineUrls:
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    wanted = os.environ.get("CHATSEC_ENGINES", "on") != "off"
    if wanted and command not in WITHOUT_ENGINES:
        found = embedded.ensure_running(data_dir, durable=durable)
    else:
        found = embedded.describe(data_dir, durable=durable)
    return EngineUrls(
        application=found.app.django(),
        owner=found.owner.django(),
        retention=found.retention.django(),
        business_url=found.business.sqlalchemy_url(),
        business_owner_url=found.business_owner.url(),
        cache_url=found.cache_url(1),
        broker_url=broker_of(found.cache_url(0)),
    )
