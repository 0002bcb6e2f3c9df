"""What a rule is told, as people read it."""

from __future__ import annotations

import json

from django import template
from django.utils.translation import gettext as _

from chatsec.core.errors import Json

register = template.Library()


@register.filter
def rule_value(value: Json) -> str:
    """Return the value as text: lists with commas, '-' for nothing."""
    match value:
        case None | "":
            return "-"
        case bool():
            return _("yes") if value else _("no")
        case list() if all(isinstance(each, str | int) for each in value):
            return ", ".join(str(each) for each in value)
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
