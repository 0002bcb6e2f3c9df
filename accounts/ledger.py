"""django-axes as the ledger of failed sign-ins: digests, never what was typed.

Whether a try is allowed was decided before (`services.lockout`), atomically; axes
counts after the fact and is not asked again.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt, AccessFailureLog
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from chatsec.core.crypto import blind_index
from chatsec.core.middleware import client_address

UNIQUE_LOCAL = 0xFD  # RFC 4193: addresses that are nobody's on the internet


def ledger_name(request: HttpRequest, credentials: Mapping[str, object] | None) -> str:
    """Return the digest under which the ledger knows an account."""
    credentials = credentials or {}
    name = str(credentials.get("username", ""))
    # `check_password` gives the digest already; anybody else gave what was typed.
    if "attempt" in credentials:
        return name
    return blind_index("accounts.lockout", f"name:{name}").hex()


def ledger_address(request: HttpRequest) -> str | None:
    """Return a stand-in that is the same for the same address, and is not it."""
    address = client_address(request)
    if address is None:
        return None
    digest = blind_index("accounts.address", address)
    stand_in = bytes([UNIQUE_LOCAL]) + digest[:15]
    return str(ipaddress.IPv6Address(stand_in))


class SignInLedger(AxesDatabaseHandler):  # type: ignore[misc]  # axes is untyped
    """Keeps one row an account and address, and one line a failure."""

    def is_allowed(
        self, request: HttpRequest, credentials: Mapping[str, object] | None = None
    ) -> bool:
        """Allow: a try that gets here holds its reservation."""
        return True

    def user_login_failed(
        self,
        sender: str,
        credentials: Mapping[str, object],
        request: HttpRequest | None = None,
        **_signal: object,
    ) -> None:
        """Write the failure down."""
        if request is None:
            return
        seen = {
            "username": ledger_name(request, credentials),
            "ip_address": ledger_address(request),
            "user_agent": "",
        }
        where = {"http_accept": "", "path_info": request.path[:255]}
        with transaction.atomic():
            attempt, created = AccessAttempt.objects.get_or_create(
                **seen,
                defaults={
                    **where,
                    "get_data": "",
                    "post_data": "",
                    "failures_since_start": 1,
                },
            )
            if not created:
                AccessAttempt.objects.filter(id=attempt.id).update(
                    failures_since_start=F("failures_since_start") + 1,
                    attempt_time=timezone.now(),
                    **where,
                )
            AccessFailureLog.objects.create(**seen, **where)

    def user_logged_in(
        self, sender: object, request: HttpRequest, user: object, **_signal: object
    ) -> None:
        """Keep nothing: a sign-in is an AuthSession and an event."""

    def user_logged_out(
        self,
        sender: object,
        request: HttpRequest,
        user: object,
        **_signal: object,
    ) -> None:
        """Keep nothing: a sign-out is an AuthSession and an event."""
