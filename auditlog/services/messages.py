"""How an incident is told: a title, a state, numbers, and where to read on.

Nothing personal leaves: whom it is about is a pseudonym, and the page behind the link
asks who reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Final
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from auditlog.models import Incident
from chatsec.core.errors import Json

FORMAT: Final = "chatsec.incident/1"
REASONS: Final = {
    "opened": "opened",
    "escalated": "worse than before",
    "reopened": "went on after it was resolved",
    "resolved": "resolved",
    "test": "a test",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What every channel says in its own form."""

    id: UUID
    reasons: Sequence[str]
    incident: dict[str, Json]
    url: str
    runbook_url: str

    @property
    def title(self) -> str:
        """Return it in one line."""
        what = ", ".join(REASONS.get(reason, reason) for reason in self.reasons)
        facts = self.incident
        return f"[{facts['severity']}] {facts['label']} {what}: {facts['title']}"


def about(incident: Incident, *, reasons: Sequence[str], id: UUID) -> Message:  # noqa: A002 - it is the message's id
    """Return the message about the incident as it is now."""
    page = urljoin(
        settings.CHATSEC_PUBLIC_URL, reverse("audit-incident", args=[incident.pk])
    )
    facts: dict[str, Json] = {
        "id": str(incident.id),
        "number": incident.number,
        "label": incident.label,
        "title": incident.title,
        "severity": incident.severity,
        "state": incident.state,
        "verdict": incident.verdict,
        "opened_at": incident.opened_at.isoformat(),
        "last_at": incident.last_at.isoformat(),
        "alerts": incident.alerts.count(),
        "user_id": str(incident.actor_pseudonym) if incident.actor_pseudonym else None,
    }
    return Message(id, reasons, facts, page, f"{page}#runbook")


def trial(id: UUID) -> Message:  # noqa: A002 - as above
    """Return a message that says no more than that messages arrive."""
    page = urljoin(settings.CHATSEC_PUBLIC_URL, reverse("audit-incidents"))
    facts: dict[str, Json] = {
        "id": None,
        "number": 0,
        "label": "INC-0",
        "title": "Messages about incidents arrive here",
        "severity": "info",
        "state": "resolved",
        "verdict": "benign",
        "opened_at": None,
        "last_at": None,
        "alerts": 0,
        "user_id": None,
    }
    return Message(id, ["test"], facts, page, page)


def as_json(message: Message) -> bytes:
    """Return the body of a signed webhook."""
    body = {
        "format": FORMAT,
        "delivery_id": str(message.id),
        "reasons": list(message.reasons),
        "organisation": settings.CHATSEC_ORGANISATION,
        "incident": message.incident,
        "url": message.url,
        "runbook_url": message.runbook_url,
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def as_slack(message: Message) -> bytes:
    """Return the body of an incoming webhook as Slack and Mattermost take it."""
    text = (
        f"*{_plain(message.title)}*\n{_plain(_line(message))}\n"
        f"<{message.url}|Open the incident> · <{message.runbook_url}|What to do>"
    )
    return json.dumps({"text": text}).encode()


def as_mail(message: Message, *, to: str) -> EmailMessage:
    """Return the letter; one that is sent twice is shown once."""
    body = (
        f"{message.title}\n\n{_line(message)}\n\n"
        f"The incident: {message.url}\nWhat to do: {message.runbook_url}\n\n"
        f"{settings.CHATSEC_ORGANISATION}, chatsec\n"
    )
    host = urlsplit(settings.CHATSEC_PUBLIC_URL).hostname or "localhost"
    headers = {
        "Message-ID": make_msgid(str(message.id), host),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no robot should answer
    }
    subject = " ".join(f"{settings.CHATSEC_ORGANISATION}: {message.title}".split())
    return EmailMessage(subject, body, to=[to], headers=headers)


def _line(message: Message) -> str:
    facts = message.incident
    parts = [f"State: {facts['state']}", f"alerts: {facts['alerts']}"]
    if facts["verdict"]:
        parts.append(f"verdict: {str(facts['verdict']).replace('_', ' ')}")
    if facts["user_id"]:
        parts.append(f"about: {facts['user_id']}")
    if facts["opened_at"]:
        parts.append(f"since: {facts['opened_at']}")
    return ", ".join(parts)


def _plain(text: str) -> str:
    """Return the text so that it is neither markup nor a mention there."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
