"""The start-up checks: nobody who serves requests, or rules it, can alter evidence."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from django.apps.config import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from auditlog.addresses import mail_problem
from auditlog.signatures import key_of

ANCHOR_SCHEMES: Final = ("file", "log", "syslog", "mailto", "https", "http")
OUTSIDE_ANCHORS: Final = 2
MIN_SECRET: Final = 32
# As Standard Webhooks wants it.
MIN_KEY_BYTES: Final = 24

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


@checks.register(checks.Tags.security)
def check_anchors(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[checks.CheckMessage]:
    """Report anchors that could never take a head (E004) or nobody could believe."""
    found: list[checks.CheckMessage] = []
    schemes = [sink.partition(":")[0] for sink in settings.CHATSEC_AUDIT_ANCHORS]
    for scheme in sorted(set(schemes) - set(ANCHOR_SCHEMES)):
        text = f"CHATSEC_AUDIT_ANCHORS: there is no kind of place called {scheme!r}."
        hint = f"One of {', '.join(ANCHOR_SCHEMES)}."
        found.append(checks.Error(text, hint=hint, id="auditlog.E004"))
    for number, sink in enumerate(settings.CHATSEC_AUDIT_ANCHORS, start=1):
        if not _leads_somewhere(sink):
            # Not the address itself: one of a webhook may be a secret.
            text = f"CHATSEC_AUDIT_ANCHORS: number {number} names no place."
            hint = "Such as file:/mnt/worm/heads.jsonl, syslog://host:514, mailto:a@b.c"
            found.append(checks.Error(text, hint=hint, id="auditlog.E006"))
    signed = {"http", "https"}.intersection(schemes)
    if signed and not _is_secret(settings.CHATSEC_AUDIT_ANCHOR_SECRET):
        text = "A webhook is an anchor, and nothing signs what it is sent."
        hint = (
            f"Set CHATSEC_AUDIT_ANCHOR_SECRET to {MIN_SECRET} characters or more, or to"
            " whsec_ and the Base64 of 24 bytes or more."
        )
        found.append(checks.Error(text, hint=hint, id="auditlog.E005"))
    return found


def _is_secret(text: str) -> bool:
    try:
        key = key_of(text)
    except ValueError:
        return False
    return len(text) >= MIN_SECRET and len(key) >= MIN_KEY_BYTES


@checks.register(checks.Tags.security, deploy=True)
def check_outside_anchors(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[checks.CheckMessage]:
    """Warn where whoever rules this machine could rewrite the past unseen (W001)."""
    outside = {sink for sink in settings.CHATSEC_AUDIT_ANCHORS if is_outside(sink)}
    if len(outside) >= OUTSIDE_ANCHORS:
        return []
    text = f"{len(outside)} of CHATSEC_AUDIT_ANCHORS lie outside of this machine."
    hint = (
        "Name two at least: syslog:// of another host, mailto:, https://. Files and"
        " the log are as safe as the machine that holds them."
    )
    return [checks.Warning(text, hint=hint, id="auditlog.W001")]


def _leads_somewhere(sink: str) -> bool:
    """Whether the address has what its kind needs."""
    try:
        place = urlsplit(sink)
        host, _ = place.hostname, place.port
    except ValueError:
        return False
    match place.scheme:
        case "file":
            return bool(place.path) and not place.path.endswith("/")
        case "mailto":
            return not mail_problem(place.path)
        case "syslog" | "https" | "http":
            return bool(host)
        case _:
            return True


def is_outside(sink: str) -> bool:
    """Whether the place is another machine, as far as its address tells."""
    if not _leads_somewhere(sink):
        return False
    place = urlsplit(sink)
    if place.scheme == "mailto":
        return "@" in place.path
    host = place.hostname or ""
    return place.scheme in ("syslog", "https") and bool(host) and not _is_here(host)


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _ask(alias: str, question: str) -> bool:
    with connections[alias].cursor() as cursor:
        cursor.execute(question)
        answer = cursor.fetchone()
    return bool(answer and answer[0])
