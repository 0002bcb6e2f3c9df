"""Heads reach each kind of place, and one that fails keeps no other from its own."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.core import mail
from pytest_django.fixtures import Settings

from auditlog.models import Anchor, Seal
from auditlog.services import anchoring, sealer
from auditlog.signatures import signed_headers
from auditlog.tests.incidents.receiver import listening

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "owner", "retention"]
)


def test_a_head_is_mailed_and_sent_to_syslog(settings: Settings) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        port = listener.getsockname()[1]
        settings.CHATSEC_AUDIT_ANCHORS = [
            "mailto:dpo@example.com",
            f"syslog://127.0.0.1:{port}",
        ]
        sealer.seal_pending()

        anchoring.anchor_head()

        heard = listener.recv(8192).decode()
    head = bytes(Seal.objects.latest("number").head).hex()
    (letter,) = mail.outbox
    assert letter.to == ["dpo@example.com"]
    assert json.loads(str(letter.body))["head"] == head
    assert head in heard


def test_a_place_that_fails_is_no_anchor(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    good = tmp_path / "heads.jsonl"
    settings.CHATSEC_AUDIT_ANCHORS = [
        f"file:{tmp_path}/file/heads.jsonl",
        "carrier-pigeon:",
        "syslog://127.0.0.1:99999",
        "https://[::1/",
        f"file:{good}",
    ]
    sealer.seal_pending()

    assert len(anchoring.anchor_head()) == 1
    assert Anchor.objects.count() == 1
    assert len(anchoring.read_anchors(good)) == 1


def test_a_head_is_posted_signed_and_a_refusal_is_no_anchor(
    settings: Settings,
) -> None:
    settings.CHATSEC_AUDIT_ANCHOR_SECRET = "s" * 32
    with listening() as witness:
        settings.CHATSEC_AUDIT_ANCHORS = [witness.url]
        sealer.seal_pending()
        assert anchoring.anchor_head() == []  # nobody allowed this inside address
        settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({witness.entry})
        witness.status = 500
        assert anchoring.anchor_head() == []
        witness.status = 201

        (anchor,) = anchoring.anchor_head()

    refused, taken = witness.got
    head = bytes(Seal.objects.latest("number").head).hex()
    assert taken.json()["head"] == head
    assert anchor.sink == "http:localhost"
    assert taken.headers["webhook-id"] in anchor.receipt
    # The same head again is known by its id.
    ids = {got.headers["webhook-id"] for got in (refused, taken)}
    assert len(ids) == 1
    expected = signed_headers(
        taken.body,
        secret="s" * 32,
        delivery_id=UUID(taken.headers["webhook-id"]),
        at=datetime.fromtimestamp(int(taken.headers["webhook-timestamp"]), tz=UTC),
    )
    assert taken.headers.items() >= expected.items()
