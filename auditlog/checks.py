"""The start-up checks: nobody who serves requests can alter evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.apps.config import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

_EXISTS: Final = "SELECT to_regclass('public.auditlog_event') IS NOT NULL"
# Rights on any partition count, and so does being able to become the owner.
_CAN_ALTER: Final = """
    SELECT bool_or(
        has_table_privilege(part.oid, 'UPDATE, DELETE, TRUNCATE')
        OR has_any_column_privilege(part.oid, 'UPDATE')
        OR pg_has_role(part.relowner, 'MEMBER'))
    FROM pg_partition_tree('public.auditlog_event') AS tree
    JOIN pg_class AS part ON part.oid = tree.relid
"""
_CAN_DROP: Final = """
    SELECT has_function_privilege('public.audit_drop_partition(text)', 'EXECUTE')
"""
_UNGUARDED: Final = """
    SELECT count(*) FROM (
        SELECT tree.relid FROM pg_partition_tree('public.auditlog_event') AS tree
        LEFT JOIN pg_trigger AS guard ON guard.tgrelid = tree.relid
            AND guard.tgname IN ('audit_append_only', 'audit_no_truncate')
            AND guard.tgenabled = 'A'
        GROUP BY tree.relid HAVING count(guard.oid) < 2
    ) AS unguarded
"""


def find_problems(alias: str = "default") -> list[tuple[str, str]]:
    """Return what lets the connected role, or anybody, alter events: (id, sentence)."""
    found: list[tuple[str, str]] = []
    if not _ask(alias, _EXISTS):
        return found
    if _ask(alias, _CAN_ALTER):
        found.append(
            ("E001", "The application's database role can alter audit events.")
        )
    if _ask(alias, _CAN_DROP):
        found.append(
            ("E002", "The application's database role can drop audit partitions.")
        )
    if _ask(alias, _UNGUARDED):
        found.append(("E003", "Audit partitions lack their append-only triggers."))
    return found


def assert_append_only() -> None:
    """Return only if this process cannot alter events; production stops otherwise."""
    if not settings.PRODUCTION:
        return
    problems = find_problems()
    if problems:
        sentences = " ".join(sentence for _, sentence in problems)
        raise ImproperlyConfigured(f"{sentences} See `manage.py db_roles`.")


@checks.register(checks.Tags.database)
def check_append_only(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **_kwargs: object,
) -> list[checks.CheckMessage]:
    """Report a role that can alter events: an error in production, else a warning."""
    if "default" not in (databases or ()):
        return []
    kind = checks.Error if settings.PRODUCTION else checks.Warning
    hint = "Connect as the role that `manage.py db_roles` grants, not as the owner."
    return [
        kind(sentence, hint=hint, id=f"auditlog.{code}")
        for code, sentence in find_problems()
    ]


def _ask(alias: str, question: str) -> bool:
    with connections[alias].cursor() as cursor:
        cursor.execute(question)
        answer = cursor.fetchone()
    return bool(answer and answer[0])
