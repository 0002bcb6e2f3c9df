"""The privacy app."""

from __future__ import annotations

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """Registers the data map's checks once every app has declared its part."""

    name = "privacy"
    verbose_name = "Privacy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the checks, events and declarations known."""
        from chatsec.core import personal_data

        personal_data.autodiscover()
