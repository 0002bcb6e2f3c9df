"""Whether this process lives, whether it can serve, and what it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import psycopg2
import redis
from django.conf import settings
from django.db import Error, connections
from django.db.migrations.loader import MigrationLoader
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from chatsec.core import countries
from chatsec.core import metrics as counted
from chatsec.core.api import plain_problem
from chatsec.core.errors import DomainError

PATIENCE_SECONDS = 2
Check = Callable[[], bool]


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as requests are served at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 when every part works, else 503 with the names of the others.

    What is degraded leaves less in the evidence, and keeps nobody from being served.
    """
    failing = [name for name, check in _checks().items() if not _passes(check)]
    if not failing:
        degraded = {} if countries.are_known() else {"degraded": ["countries"]}
        return JsonResponse({"status": "ready", **degraded})
    detail = f"Not ready: {', '.join(failing)}."
    return plain_problem(503, "not_ready", detail, extra={"failing": [*failing]})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the metrics; to a stranger the address does not exist."""
    if not counted.may_read(request):
        raise Http404
    return HttpResponse(counted.exposition(), content_type=counted.CONTENT_TYPE)


def _checks() -> Mapping[str, Check]:
    """Return the checks by name; higher layers add theirs through settings."""
    further = getattr(settings, "CHATSEC_READINESS_CHECKS", {})
    return {
        "database": is_database_up,
        "valkey": is_valkey_up,
        "migrations": is_migrated,
        **{name: import_string(path) for name, path in further.items()},
    }


def _passes(check: Check) -> bool:
    try:
        return check()
    except (psycopg2.Error, Error, redis.RedisError, OSError, DomainError):
        return False


def is_database_up() -> bool:
    """Tell whether a new connection of the application gets an answer in time."""
    return bool(_ask("SELECT 1"))


def is_valkey_up() -> bool:
    """Tell whether Valkey takes writes; a full store does not, and limits need it."""
    with redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=None,
    ) as client:
        return bool(client.set("chatsec:readyz", "1", ex=60))


def is_migrated() -> bool:
    """Tell whether the newest migration of every app has been applied."""
    return _newest_migrations() <= set(_ask("SELECT app, name FROM django_migrations"))


@cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _ask(sql: str) -> list[tuple[object, ...]]:
    """Run a query on a connection of its own: a probe must not wait behind others."""
    known = connections["default"].get_connection_params()
    wait = {
        "connect_timeout": PATIENCE_SECONDS,
        "options": f"-c statement_timeout={PATIENCE_SECONDS * 1000}",
    }
    connection = psycopg2.connect(**{**known, **wait})
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()
