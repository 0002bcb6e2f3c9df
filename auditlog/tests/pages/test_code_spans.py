"""Backticks in our own texts become code, and nothing in them becomes HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from auditlog.models import Incident
from auditlog.templatetags.code_spans import code_spans
from auditlog.tests.incidents.factories import make_incident


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain", "plain"),
        ("run `a b`.", "run <code>a b</code>."),
        ("`a` and `b`", "<code>a</code> and <code>b</code>"),
        ("one ` alone", "one ` alone"),
        ("two `` empty", "two `` empty"),
        ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
        ("`</code><script>`", "<code>&lt;/code&gt;&lt;script&gt;</code>"),
        ("`{}` {0}", "<code>{}</code> {0}"),
    ],
)
def test_spans_are_code_and_all_else_is_text(text: str, shown: str) -> None:
    assert code_spans(text) == shown


@pytest.mark.django_db
def test_a_runbook_shows_its_commands_as_code(
    browser: Callable[..., Any], admin: Any
) -> None:
    incident = make_incident()
    Incident.objects.filter(pk=incident.pk).update(runbook="tampering")

    answer = browser(admin).get(f"/admin/audit/incidents/{incident.pk}")

    page = answer.content.decode().partition('id="runbook"')[2].partition("</section>")
    assert "<code>manage.py audit_verify --key HEX --anchors FILE</code>" in page[0]
    assert "`" not in page[0]
