"""What must hold before chatsec starts."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from chat.datasets.errors import DefinitionRefused
from chat.datasets.sources import parse_source_url


@register("security")
def business_url_is_usable(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """Report a business database that chatsec could not read."""
    url = settings.BUSINESS_DATABASE_URL
    if not url:
        return []
    try:
        parse_source_url(url)
    except DefinitionRefused as error:
        return [Error(f"BUSINESS_DATABASE_URL: {error}", id="chat.E001")]
    return []
