"""What other apps do to accounts and authorization must have a say in."""

from __future__ import annotations

from django.db import transaction
from django.db.models.signals import pre_save
from django.dispatch import receiver

from accounts.models import User
from rbac.services.governance import refuse_closing_last_administrator


@receiver(pre_save, sender=User, dispatch_uid="rbac.keep_an_administrator")
def keep_an_administrator(instance: User, **_signal: object) -> None:
    """Refuse to close the account of the last administrator."""
    if instance.is_active or instance._state.adding:  # noqa: SLF001 - Django's API
        return
    with transaction.atomic():
        refuse_closing_last_administrator(instance)
