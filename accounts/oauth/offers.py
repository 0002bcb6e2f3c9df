"""Which scopes an app may ask for."""

from __future__ import annotations

from collections.abc import Mapping

from oauth2_provider.scopes import BaseScopes

from accounts.app_scopes import SCOPES
from accounts.models import OAuthApplication


class Offers(BaseScopes):
    """Every scope in words; for an app, those that its registration names."""

    def get_all_scopes(self) -> Mapping[str, str]:
        """Return all scopes with what they mean to a person."""
        return SCOPES

    def get_available_scopes(
        self,
        application: OAuthApplication | None = None,
        request: object = None,
        *_args: object,
        **_kwargs: object,
    ) -> list[str]:
        """Return what the app may ask for; without one, what there is."""
        return list(application.offered_scopes if application else SCOPES)

    def get_default_scopes(
        self,
        application: OAuthApplication | None = None,
        request: object = None,
        *_args: object,
        **_kwargs: object,
    ) -> list[str]:
        """Return nothing: an app says what it wants, or it gets nothing."""
        return []
