"""How single values look in the audit pages of the admin."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chatsec.core.errors import Json


def moment(at: datetime) -> str:
    """Return a time to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def person(name: str | None, pseudonym: Any) -> SafeString | str | None:
    """Return a name, its pseudonym as the hint; the pseudonym where there is none."""
    if name is not None:
        return format_html('<span title="{}">{}</span>', pseudonym, name)
    return str(pseudonym) if pseudonym is not None else None


def short(identifier: str) -> SafeString:
    """Return the end of a long identifier; the hint has it whole."""
    if len(identifier) <= 20:
        return format_html("{}", identifier)
    return format_html('<span title="{}">…{}</span>', identifier, identifier[-8:])


def breakable(name: str) -> SafeString:
    """Return a long name that a narrow column breaks between its words."""
    parts = re.findall(r"[^._]+[._]*|[._]+", name)
    return format_html_join("", "{}<wbr>", ((part,) for part in parts))


def badge(text: str, styles: dict[str, str]) -> SafeString:
    """Return a word as a badge in the style of its meaning."""
    style = styles.get(text, "")
    return format_html('<span class="badge {}">{}</span>', style, text)


def opened(sealed: Any, document: dict[str, Json]) -> SafeString | str | None:
    """Return what a sealed column holds, or that it was erased."""
    if sealed is None:
        return None
    return json_block(document) if document else "Erased: the key was destroyed."


def json_block(document: dict[str, Json]) -> SafeString:
    """Return a document, indented and escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return format_html("<pre>{}</pre>", text)
