"""The start-up checks about anchors; those about roles are in test_append_only."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from auditlog.checks import check_anchors, check_outside_anchors, is_outside

FILES = ["file:/mnt/worm/heads.jsonl", "log:"]


@pytest.mark.parametrize(
    ("sink", "outside"),
    [
        ("file:/mnt/worm/heads.jsonl", False),
        ("log:", False),
        ("syslog://log.example.org:514", True),
        ("syslog://localhost:514", False),
        ("syslog://127.0.0.1:514", False),
        ("syslog://[::1]:514", False),
        ("mailto:dpo@example.org", True),
        ("mailto:", False),
        ("https://[::1/", False),
        ("https://witness.example.org/heads", True),
        ("https://app.localhost/heads", False),
        ("http://witness.internal/heads", False),
    ],
)
def test_what_lies_outside(sink: str, *, outside: bool) -> None:
    assert is_outside(sink) is outside


@pytest.mark.parametrize(
    ("more", "ids"),
    [
        ([], ["auditlog.W001"]),
        (["mailto:dpo@example.org"], ["auditlog.W001"]),
        (["mailto:dpo@example.org"] * 2, ["auditlog.W001"]),
        (["mailto:dpo@example.org", "syslog://log.example.org:514"], []),
    ],
)
def test_production_has_two_anchors_outside(
    settings: Settings, more: list[str], ids: list[str]
) -> None:
    settings.CHATSEC_AUDIT_ANCHORS = [*FILES, *more]

    assert [found.id for found in check_outside_anchors(None)] == ids


@pytest.mark.parametrize(
    ("sink", "secret", "ids"),
    [
        ("log:", "", []),
        ("pigeon:home", "", ["auditlog.E004"]),
        ("mailto:", "", ["auditlog.E006"]),
        ("file:", "", ["auditlog.E006"]),
        ("syslog://log.example.org:99999", "", ["auditlog.E006"]),
        ("https://[::1/", "s" * 32, ["auditlog.E006"]),
        ("https://witness.example.org/", "", ["auditlog.E005"]),
        ("https://witness.example.org/", "short", ["auditlog.E005"]),
        ("https://witness.example.org/", "whsec_" + "s" * 33, ["auditlog.E005"]),
        ("https://witness.example.org/", "whsec_" + "c3M=" * 9, ["auditlog.E005"]),
        ("https://witness.example.org/", "s" * 32, []),
        ("https://witness.example.org/", "whsec_" + "s" * 32, []),
    ],
)
def test_anchors_that_could_take_nothing_are_errors(
    settings: Settings, sink: str, secret: str, ids: list[str]
) -> None:
    settings.CHATSEC_AUDIT_ANCHORS = [sink]
    settings.CHATSEC_AUDIT_ANCHOR_SECRET = secret

    assert [found.id for found in check_anchors(None)] == ids
