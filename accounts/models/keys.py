"""API keys, and the accounts of programs that have no other way in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.api_keys import PREFIX
from accounts.constants import (
    KEY_MAX_LIFE,
    KEY_MESSAGES_PER_MINUTE,
    KEY_MOST_MESSAGES_PER_MINUTE,
)
from chatsec.core.crypto import Place, open_for, seal_for


class ServiceAccount(models.Model):
    """What is known of a program's account besides the account itself."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="service",
    )
    purpose = models.CharField(max_length=200)
    # Who answers for it, and is told what happens to it.
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="service_accounts",
    )
    # Declared: a program that asks more than a person is no alarm below this.
    expected_queries_per_day = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text="More than this in 24 hours is an alert. Empty: as for a person.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["user__username"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expected_queries_per_day__isnull=True)
                | models.Q(expected_queries_per_day__range=(1, 1_000_000)),
                name="accounts_service_queries_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.user.username


class ApiKey(models.Model):
    """A program's way in for one account, narrowed to some permissions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    public_id = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    name_sealed = models.BinaryField(editable=False)
    scopes = ArrayField(models.CharField(max_length=100))
    # Null: from anywhere. An address can be somebody's home, so it is sealed.
    networks_sealed = models.BinaryField(null=True, editable=False)
    messages_per_minute = models.PositiveSmallIntegerField(
        default=KEY_MESSAGES_PER_MINUTE
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_refused_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_because = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="accounts_key_of"),
            models.Index(fields=["expires_at"], name="accounts_key_expiry"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    expires_at__lte=models.F("created_at") + KEY_MAX_LIFE
                ),
                name="accounts_key_a_year_at_most",
            ),
            models.CheckConstraint(
                condition=models.Q(scopes__len__gte=1),
                name="accounts_key_has_a_scope",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    messages_per_minute__range=(1, KEY_MOST_MESSAGES_PER_MINUTE)
                ),
                name="accounts_key_limit_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.shown_as

    @property
    def shown_as(self) -> str:
        """The part of the key that tells it apart and opens nothing."""
        return f"{PREFIX}{self.public_id}…"

    def is_live(self, now: datetime) -> bool:
        """Whether it still lets its program in: not revoked and not too old."""
        return self.revoked_at is None and now < self.expires_at

    @property
    def state(self) -> str:
        """What to call it in a list: active, revoked or expired."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.is_live(timezone.now()) else "expired"

    @property
    def name(self) -> str:
        """What its owner calls it, opened with the owner's key."""
        sealed = bytes(self.name_sealed)
        return open_for(self.user_id, sealed, place=self._place("name_sealed"))

    @name.setter
    def name(self, value: str) -> None:
        place = self._place("name_sealed")
        self.name_sealed = seal_for(self.user_id, value, place=place)

    @property
    def networks(self) -> list[str]:
        """From where it may be used, opened with the owner's key; empty: anywhere."""
        if self.networks_sealed is None:
            return []
        place = self._place("networks_sealed")
        text = open_for(self.user_id, bytes(self.networks_sealed), place=place)
        return [str(each) for each in json.loads(text)]

    @networks.setter
    def networks(self, value: Iterable[str]) -> None:
        listed = list(value)
        place = self._place("networks_sealed")
        self.networks_sealed = (
            seal_for(self.user_id, json.dumps(listed), place=place) if listed else None
        )

    def _place(self, column: str) -> Place:
        return Place("accounts_apikey", column, self.id)

    @property
    def time_left(self) -> timedelta:
        """How long it is good for."""
        return max(timedelta(0), self.expires_at - timezone.now())
