"""People are told what happened to their accounts: the row first, then the mail.

The row is written in the transaction of what it tells of; a worker mails it afterwards.
A worker that dies between mailing and saying so mails again: the message keeps its id,
so that mail programs show it once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import make_msgid
from smtplib import SMTPException
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import events, notices
from accounts.constants import (
    MAIL_BATCH,
    MAIL_FIRST_PAUSE,
    MAIL_GIVE_UP_AFTER,
    MAIL_LEASE,
    MAIL_LONGEST_PAUSE,
)
from accounts.models import Notice, User
from auditlog.services import Target, record
from chatsec.core.crypto import DecryptionFailed
from chatsec.core.jobs import enqueue

logger = logging.getLogger(__name__)

DELIVER_TASK = "accounts.tasks.deliver_notices"


def notify(
    user: User,
    kind: str,
    *,
    facts: Mapping[str, str] | None = None,
    address: str | None = None,
) -> None:
    """Tell the user, if this transaction commits; `address` where not at his own."""
    _write(user, kind, facts=facts or {}, address=address)


def notify_at_most(
    user: User,
    kind: str,
    *,
    every: timedelta,
    facts: Mapping[str, str] | None = None,
) -> bool:
    """Tell the user unless he was told within `every`; return whether he is told."""
    since = timezone.now() - every
    if Notice.objects.filter(user=user, kind=kind, created_at__gt=since).exists():
        return False
    notify(user, kind, facts=facts)
    return True


def mail_link(
    user: User,
    kind: str,
    *,
    path_with_token: str,
    facts: Mapping[str, str] | None = None,
    address: str | None = None,
) -> None:
    """Mail the user a single-use link, which the row forgets once it is mailed.

    The link begins with CHATSEC_PUBLIC_URL, whatever host a request claimed.
    """
    if not path_with_token.startswith("/") or path_with_token.startswith("//"):
        raise ValueError("a link is a path of this site")
    link = urljoin(settings.CHATSEC_PUBLIC_URL, path_with_token)
    _write(user, kind, facts=facts or {}, address=address, link=link)


def _write(
    user: User,
    kind: str,
    *,
    facts: Mapping[str, str],
    address: str | None = None,
    link: str = "",
) -> None:
    if not notices.is_registered(kind):
        raise ValueError(f"no kind of notice is called {kind}")
    now = timezone.now()
    notice = Notice(user=user, kind=kind, created_at=now, due_at=now)
    notice.facts = {name: notices.clean_fact(value) for name, value in facts.items()}
    notice.link = link
    if address is not None:
        notice.address = address
    notice.save(force_insert=True)
    enqueue(DELIVER_TASK)


def deliver_due(*, now: datetime | None = None) -> int:
    """Mail what is due, each notice by one worker at a time; return how many went."""
    sent = 0
    for _ in range(MAIL_BATCH):
        notice = _lease(now or timezone.now())
        if notice is None:
            break
        sent += _deliver(notice)
    return sent


def _lease(now: datetime) -> Notice | None:
    """Take one notice that is due; until its lease is over nobody else has it."""
    with transaction.atomic():
        notice = (
            Notice.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("user")
            .filter(due_at__lte=now)
            .order_by("due_at")
            .first()
        )
        if notice is None:
            return None
        notice.due_at = now + MAIL_LEASE
        notice.tries += 1
        notice.save(update_fields=["due_at", "tries"])
    return notice


def _deliver(notice: Notice) -> bool:
    try:
        message = _message(notice)
    except DecryptionFailed:
        _finish(notice, mailed_at=None)  # its person was erased: there is nobody
        return False
    try:
        message.send()
    except (SMTPException, OSError) as error:
        _try_later(notice, error)
        return False
    _finish(notice, mailed_at=timezone.now())
    return True


def _message(notice: Notice) -> EmailMessage:
    kind = notices.kind_of(notice.kind)
    body = render_to_string(
        "accounts/mail.txt",
        {
            "name": notice.user.get_full_name(),
            "text": kind.words({**notice.facts, "link": notice.link}),
            "at": notice.created_at,
            "page": urljoin(settings.CHATSEC_PUBLIC_URL, reverse("account")),
            "organisation": settings.CHATSEC_ORGANISATION,
        },
    )
    subject = f"{settings.CHATSEC_ORGANISATION}: {kind.title}"
    # RFC 3834: no robot should answer.
    headers = {
        "Message-ID": make_msgid(str(notice.id), _host()),
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(subject, body, to=[notice.address], headers=headers)


def _host() -> str:
    return urlsplit(settings.CHATSEC_PUBLIC_URL).hostname or "localhost"


def _finish(notice: Notice, *, mailed_at: datetime | None) -> None:
    notice.mailed_at = mailed_at
    notice.due_at = notice.link_sealed = None
    notice.save(update_fields=["mailed_at", "due_at", "link_sealed"])


def _try_later(notice: Notice, error: Exception) -> None:
    """Put the notice off, twice as long each time; give it up after three days."""
    now = timezone.now()
    logger.warning("a notice was not mailed (%s)", type(error).__name__)
    if now - notice.created_at > MAIL_GIVE_UP_AFTER:
        with transaction.atomic():
            _finish(notice, mailed_at=None)
            record(
                events.NOTICE_UNDELIVERABLE,
                target=Target(type="accounts.user", id=str(notice.user_id)),
                subject_id=notice.user_id,
                details={"kind": notice.kind, "tries": notice.tries},
            )
        return
    pause = MAIL_FIRST_PAUSE * 2 ** min(notice.tries - 1, 10)
    notice.due_at = now + min(pause, MAIL_LONGEST_PAUSE)
    notice.save(update_fields=["due_at"])


def mark_seen(user: User, *, until: datetime | None = None) -> int:
    """Note that the user has seen his notices; return how many were new."""
    now = timezone.now()
    new = Notice.objects.filter(user=user, seen_at__isnull=True)
    return new.filter(created_at__lte=until or now).update(seen_at=now)
