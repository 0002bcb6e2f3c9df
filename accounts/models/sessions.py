"""Signed-in devices: one row is the browser session or the refresh-token family."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.constants import SESSION_IDLE
from accounts.models.devices import KnownDevice
from chatsec.core.crypto import Place, open_for, seal_for
from chatsec.core.devices import name_device


class AuthSession(models.Model):
    """A signed-in device, with how and when its user proved who he is."""

    class Kind(models.TextChoices):
        BROWSER = "browser", "Browser"
        TOKEN = "token", "App"
        GRANT = "oauth", "Connected app"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    # The app that a person connected, for a session of that kind.
    application = models.ForeignKey(
        "accounts.OAuthApplication",
        null=True,
        on_delete=models.PROTECT,
        related_name="sessions",
        editable=False,
    )
    # RFC 8176 names: pwd, otp, mfa.
    amr = ArrayField(models.CharField(max_length=8), default=list)
    authenticated_at = models.DateTimeField()
    stepped_up_at = models.DateTimeField(null=True, blank=True)
    # Where there is no second factor, the password typed again is the proof.
    password_confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    idle_limit = models.DurationField(default=SESSION_IDLE)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_because = models.CharField(max_length=32, blank=True)
    known_device = models.ForeignKey(
        KnownDevice, null=True, on_delete=models.SET_NULL, editable=False
    )
    # What its owner calls the device.
    name_sealed = models.BinaryField(null=True, editable=False)
    # The connected app, as its registration names it: nothing about a person.
    client = models.TextField(blank=True)
    # The only permissions that count in this session; null: all that its user has.
    scopes = ArrayField(models.CharField(max_length=100), null=True, blank=True)
    user_agent_sealed = models.BinaryField(null=True, editable=False)
    address_digest = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        ordering = ["-last_seen_at"]
        indexes = [
            models.Index(
                fields=["user", "-last_seen_at"],
                condition=models.Q(revoked_at__isnull=True),
                name="accounts_session_live",
            ),
            models.Index(fields=["expires_at"], name="accounts_session_expiry"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["browser", "token", "oauth"]),
                name="accounts_session_kind",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="oauth") | models.Q(scopes__isnull=False),
                name="accounts_session_grant_is_limited",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.user_id}"

    def is_live(self, now: datetime) -> bool:
        """Whether it still signs its user in: not revoked, idle, or too old."""
        return (
            self.revoked_at is None
            and now < self.expires_at
            and now < self.last_seen_at + self.idle_limit
        )

    def seconds_left(self, now: datetime) -> int:
        """Return how long it lives without further use."""
        ends_at = min(self.expires_at, now + self.idle_limit)
        return max(0, int((ends_at - now) / timedelta(seconds=1)))

    @property
    def has_second_factor(self) -> bool:
        """Whether a second factor was shown at sign-in or since."""
        return "mfa" in self.amr

    @property
    def user_agent(self) -> str:
        """What the device called itself, opened with the person's key."""
        if self.user_agent_sealed is None:
            return ""
        return open_for(
            self.user_id,
            bytes(self.user_agent_sealed),
            place=self._place("user_agent_sealed"),
        )

    @user_agent.setter
    def user_agent(self, value: str) -> None:
        self.user_agent_sealed = seal_for(
            self.user_id, value, place=self._place("user_agent_sealed")
        )

    @property
    def name(self) -> str:
        """What its owner calls the device, opened with the person's key."""
        if self.name_sealed is None:
            return ""
        place = self._place("name_sealed")
        return open_for(self.user_id, bytes(self.name_sealed), place=place)

    @name.setter
    def name(self, value: str) -> None:
        place = self._place("name_sealed")
        self.name_sealed = seal_for(self.user_id, value, place=place) if value else None

    @property
    def device_name(self) -> str:
        """What the device is, in words: its name, or else "Firefox on Linux"."""
        return (
            self.name
            or self.client
            or name_device(self.user_agent)
            or self.get_kind_display()
        )

    def _place(self, column: str) -> Place:
        return Place("accounts_authsession", column, self.id)


class BrowserSession(models.Model):
    """What a browser's cookie stands for. The cookie's key is not in the database."""

    key_digest = models.CharField(max_length=64, primary_key=True, editable=False)
    # Null while nobody is signed in: a sign-in under way, a message to show.
    auth_session = models.ForeignKey(
        AuthSession,
        null=True,
        on_delete=models.CASCADE,
        related_name="browser_sessions",
    )
    content = models.TextField()
    expires_at = models.DateTimeField(db_index=True)
    # Replaced by a new key: it opens nothing, but a sign-out that still carries it must
    # not come to nothing.
    is_spent = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"browser session until {self.expires_at:%Y-%m-%d %H:%M}"


class RefreshToken(models.Model):
    """One link in a token family: spent when it is used, never used twice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(
        AuthSession, on_delete=models.CASCADE, related_name="refresh_tokens"
    )
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)
    # A client that lost the answer may ask again with the same Idempotency-Key.
    retry_digest = models.BinaryField(max_length=32, null=True, editable=False)
    answer_sealed = models.BinaryField(null=True, editable=False)

    class Meta:
        constraints = [
            # The database's own word on "exactly one winner".
            models.UniqueConstraint(
                fields=["session"],
                condition=models.Q(used_at__isnull=True),
                name="accounts_refresh_one_unused",
            ),
        ]

    def __str__(self) -> str:
        return f"refresh token of {self.session_id}"

    def answer_place(self) -> Place:
        """Return where the sealed answer lives."""
        return Place("accounts_refreshtoken", "answer_sealed", self.id)
