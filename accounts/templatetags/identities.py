"""What pages show of identity providers, wherever they include it."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from accounts.models import ExternalIdentity, IdentityProvider, User
from accounts.selectors import list_identities, list_providers

register = template.Library()


@register.simple_tag
def sign_in_providers() -> Sequence[IdentityProvider]:
    """Return the providers that people may come in by."""
    return list_providers()


@register.simple_tag
def linked_identities(user: User) -> Sequence[ExternalIdentity]:
    """Return the user's identities elsewhere."""
    return list_identities(user)
