"""Our own texts in pages: what stands between backticks is shown as code."""

from __future__ import annotations

import re
from typing import Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
_SPAN: Final = re.compile(r"`([^`]+)`")


@register.filter
def code_spans(text: str) -> SafeString:
    """Return the text, escaped, with its spans in `code`; the text brings no HTML."""
    # Every second part is what a pair of backticks held.
    first, *rest = _SPAN.split(str(text))
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return format_html("{}{}", first, format_html_join("", "<code>{}</code>{}", pairs))
