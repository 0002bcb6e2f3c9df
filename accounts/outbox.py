"""Where mail goes while nobody has said which server sends it: into files.

For development only. Each message is a file that its owner alone can read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from uuid_utils.compat import uuid7

KEPT_MESSAGES = 200
SUFFIX = ".eml"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in the outbox, as its reader sees it."""

    to: str
    subject: str
    date: str
    text: str


def directory() -> Path:
    """Return where the messages are."""
    return Path(settings.CHATSEC_DATA_DIR) / "outbox"


class OutboxBackend(BaseEmailBackend):
    """Writes messages into the outbox, the latest two hundred of them."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each message; return how many."""
        folder = directory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            # Named by time, so that the names sort as the messages came.
            path = folder / f"{uuid7()}{SUFFIX}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.message().as_bytes())
        _drop_old(folder)
        return len(email_messages)


def read_letters(limit: int = 50) -> Iterator[Letter]:
    """Yield the latest messages, the newest first."""
    for path in sorted(directory().glob(f"*{SUFFIX}"), reverse=True)[:limit]:
        with suppress(FileNotFoundError):  # dropped as too old meanwhile
            yield _letter(path.read_bytes())


def _letter(raw: bytes) -> Letter:
    message = message_from_bytes(raw, policy=policy.default)
    body = message.get_body(("plain",))
    return Letter(
        to=str(message["To"]),
        subject=str(message["Subject"]),
        date=str(message["Date"]),
        text=body.get_content() if body is not None else "",
    )


def _drop_old(folder: Path) -> None:
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True)[KEPT_MESSAGES:]:
        path.unlink(missing_ok=True)
