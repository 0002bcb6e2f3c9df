"""The newest head, left where whoever rules the database cannot take it back.

What is older than the last anchor cannot be changed unseen by anybody, not even by the
holder of the sealer's key. Each place of CHATSEC_AUDIT_ANCHORS gets its own copy.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from auditlog.addresses import url_problem
from auditlog.models import Anchor, Seal
from auditlog.proofs.chain import Kind
from auditlog.services.deliveries import Endpoint, post_signed
from auditlog.services.partitions import RETENTION
from chatsec.core.outbound import OutboundFailed, OutboundRefused

logger = logging.getLogger(__name__)
Receipt = str
Sink = Callable[[SplitResult, str], Receipt]
FORMAT: Final = "chatsec.audit-anchor/1"
DIRECTORY_MODE: Final = 0o700


def anchor_head(*, now: datetime | None = None) -> list[Anchor]:
    """Leave the newest head at every sink; return where that succeeded.

    A sink that fails is logged and tried again with the next head.
    """
    seal = Seal.objects.defer("event_ids", "leaves").order_by("-number").first()
    if seal is None:
        return []
    text = json.dumps(describe_head(seal), separators=(",", ":"))
    made = []
    for sink in settings.CHATSEC_AUDIT_ANCHORS:
        receipt = _deliver(sink, text)
        if receipt is not None:
            made.append(_keep(seal, sink, receipt, now=now or timezone.now()))
    return made


def describe_head(seal: Seal) -> Mapping[str, str | int]:
    """Return what is left outside: enough to find any later change of the past."""
    first = Seal.objects.filter(kind=Kind.KEY).order_by("number").only("body").first()
    return {
        "format": FORMAT,
        "number": seal.number,
        "head": bytes(seal.head).hex(),
        "sealed_at": seal.sealed_at.isoformat(),
        "signature": bytes(seal.signature).hex(),
        "first_public_key": first.named()["public_key"] if first else "",
    }


def _deliver(sink: str, text: str) -> Receipt | None:
    scheme = sink.partition(":")[0]
    try:
        return SINKS[scheme](urlsplit(sink), text)
    # An address that is none is a ValueError; the other places get the head anyhow.
    except (OSError, KeyError, ValueError, OutboundRefused, OutboundFailed):
        logger.exception("the audit head was not anchored", extra={"sink": scheme})
        return None


def _keep(seal: Seal, sink: str, receipt: Receipt, *, now: datetime) -> Anchor:
    with transaction.atomic(using=RETENTION):
        return Anchor.objects.using(RETENTION).create(
            number=seal.number,
            head=bytes(seal.head),
            # Never what a URL may hold besides its host: a token, a password.
            sink=f"{urlsplit(sink).scheme}:{urlsplit(sink).hostname or ''}",
            anchored_at=now,
            receipt=receipt,
        )


def _to_file(place: SplitResult, text: str) -> Receipt:
    """Append a line and wait for the disk; the file is meant for another volume."""
    path = Path(place.path)
    path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{text}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return "appended"


def _to_log(_place: SplitResult, text: str) -> Receipt:
    logger.info("audit head", extra={"anchor": json.loads(text)})
    return "logged"


def _to_syslog(place: SplitResult, text: str) -> Receipt:
    address = (place.hostname or "localhost", place.port or 514)
    handler = logging.handlers.SysLogHandler(address=address)
    try:
        record = logging.makeLogRecord({"msg": f"chatsec {text}", "levelname": "INFO"})
        handler.emit(record)
    finally:
        handler.close()
    return "sent"


def _to_mailbox(place: SplitResult, text: str) -> Receipt:
    send_mail("Audit log: head", text, None, [place.path])
    return "mailed"


def _to_webhook(place: SplitResult, text: str) -> Receipt:
    """Post the head, signed; the same head has the same message id each time."""
    url = place.geturl()
    if problem := url_problem(url):
        raise OutboundRefused(problem)
    head = str(json.loads(text)["head"])
    delivery_id = uuid5(NAMESPACE_URL, f"{FORMAT}:{head}")
    endpoint = Endpoint(url, settings.CHATSEC_AUDIT_ANCHOR_SECRET)
    receipt = post_signed(endpoint, text.encode(), delivery_id=delivery_id)
    return f"{receipt.status} {receipt.delivery_id}"


SINKS: Final[Mapping[str, Sink]] = {
    "file": _to_file,
    "log": _to_log,
    "syslog": _to_syslog,
    "mailto": _to_mailbox,
    "https": _to_webhook,
    # Taken only where CHATSEC_OUTBOUND_ALLOWED names the place: never on the Internet.
    "http": _to_webhook,
}


def read_anchors(path: Path) -> dict[int, str]:
    """Return the heads of an anchor file by seal number; raise ValueError."""
    heads = {}
    for line in path.read_text().splitlines():
        anchor = json.loads(line)
        if anchor.get("format") != FORMAT:
            raise ValueError("a line of this file is not an anchor")
        heads[int(anchor["number"])] = str(anchor["head"])
    return heads
