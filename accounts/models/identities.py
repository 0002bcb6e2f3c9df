"""Who somebody is elsewhere: identity providers, and identities linked to accounts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models.sessions import AuthSession
from chatsec.core.crypto import (
    Place,
    blind_index,
    derived_key,
    open_for,
    open_sealed,
    seal,
    seal_for,
)

MAX_SUBJECT = 255  # OpenID Connect Core section 2: `sub` has at most 255 characters


class IdentityProvider(models.Model):
    """A company's own sign-in (OpenID Connect) that people here may come in by."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Part of the redirect address: each provider has its own (RFC 9700 section 4.4.2).
    slug = models.SlugField("short name", max_length=40, unique=True)
    name = models.CharField("name on the button", max_length=60)
    # One row an issuer: (issuer, subject) is what an identity is known by.
    issuer = models.URLField(max_length=255, unique=True)
    client_id = models.CharField(max_length=255)
    client_secret_sealed = models.BinaryField(null=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=64), default=list)
    allowed_domains = ArrayField(
        models.CharField(max_length=253), default=list, blank=True
    )
    # Values of the claims `amr` and `acr` that mean: a second factor was shown there.
    factor_amr = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    factor_acr = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    makes_accounts = models.BooleanField(
        "makes accounts for people who have none", default=False
    )
    is_active = models.BooleanField("offered at sign-in", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def client_secret(self) -> str:
        """The secret that this installation shows to the provider; "" if none."""
        if self.client_secret_sealed is None:
            return ""
        return open_sealed(
            _provider_key(),
            bytes(self.client_secret_sealed),
            associated_data=self._secret_place(),
        ).decode()

    @client_secret.setter
    def client_secret(self, value: str) -> None:
        self.client_secret_sealed = (
            seal(_provider_key(), value.encode(), associated_data=self._secret_place())
            if value
            else None
        )

    def _secret_place(self) -> bytes:
        place = Place("accounts_identityprovider", "client_secret_sealed", self.id)
        return place.associated_data("installation")


def _provider_key() -> bytes:
    return derived_key("accounts.identity_provider")


class IdentityChannel(models.TextChoices):
    """Where an identity is known."""

    OIDC = "oidc", "Identity provider"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"
    ALEXA = "alexa", "Alexa"


def identity_digest(channel: str, *, tenant: str, subject: str) -> bytes:
    """Return the blind index of an identity: where it is known, and as what.

    For a provider the tenant is its issuer. An e-mail address is no part of it: other
    people can get the same one at another provider, or later at the same.
    """
    key = json.dumps([channel, tenant, subject], ensure_ascii=False)
    return blind_index("accounts.identity", key)


class ExternalIdentity(models.Model):
    """Somebody's identity elsewhere, linked to his account here: once, by himself."""

    class LinkedBy(models.TextChoices):
        SESSION = "session", "From a signed-in session"
        INVITATION = "invitation", "By an invitation"
        FIRST_SIGN_IN = "first", "At the first sign-in"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities"
    )
    channel = models.CharField(max_length=8, choices=IdentityChannel.choices)
    provider = models.ForeignKey(
        IdentityProvider, null=True, blank=True, on_delete=models.PROTECT
    )
    tenant = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    subject_sealed = models.BinaryField(editable=False)
    label_sealed = models.BinaryField(editable=False)
    linked_by = models.CharField(max_length=12, choices=LinkedBy.choices)
    linked_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "linked identity"
        verbose_name_plural = "linked identities"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(channel="oidc", provider__isnull=False)
                | (~models.Q(channel="oidc") & models.Q(provider__isnull=True)),
                name="accounts_identity_provider_if_oidc",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} identity of {self.user_id}"

    def set_subject(self, subject: str, *, label: str) -> None:
        """Seal who this is elsewhere, and how to show it; index it for finding."""
        self.digest = identity_digest(self.channel, tenant=self.tenant, subject=subject)
        self.subject_sealed = seal_for(
            self.user_id, subject, place=self._place("subject_sealed")
        )
        self.label_sealed = seal_for(
            self.user_id, label, place=self._place("label_sealed")
        )

    @property
    def subject(self) -> str:
        """The identifier there, opened with the person's key."""
        place = self._place("subject_sealed")
        return open_for(self.user_id, bytes(self.subject_sealed), place=place)

    @property
    def label(self) -> str:
        """How the person is called there, opened with the person's key."""
        place = self._place("label_sealed")
        return open_for(self.user_id, bytes(self.label_sealed), place=place)

    @property
    def where(self) -> str:
        """Where it is known, in words."""
        return self.provider.name if self.provider else self.get_channel_display()

    def _place(self, column: str) -> Place:
        return Place("accounts_externalidentity", column, self.id)


class AuthenticationRequest(models.Model):
    """A browser that was sent to a provider; answered once, by the same browser."""

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in", "Sign-in"
        LINK = "link", "Linking an identity"
        CONFIRM = "confirm", "Fresh proof"
        INVITATION = "invitation", "Accepting an invitation"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    state_digest = models.BinaryField(max_length=32, unique=True, editable=False)
    browser_digest = models.BinaryField(max_length=32, editable=False)
    # Who links or confirms; nobody yet where somebody signs in.
    session = models.ForeignKey(AuthSession, null=True, on_delete=models.CASCADE)
    content_sealed = models.BinaryField(editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    purpose__in=["sign_in", "invitation"], session__isnull=True
                )
                | models.Q(purpose__in=["link", "confirm"], session__isnull=False),
                name="accounts_authrequest_session_if_signed_in",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} until {self.expires_at:%Y-%m-%d %H:%M}"

    @property
    def content(self) -> dict[str, str]:
        """What only this installation may know: verifier, nonce, where to go next."""
        text = open_sealed(
            _request_key(), bytes(self.content_sealed), associated_data=self._place()
        )
        return cast("dict[str, str]", json.loads(text))

    @content.setter
    def content(self, value: dict[str, str]) -> None:
        text = json.dumps(value, ensure_ascii=False).encode()
        self.content_sealed = seal(_request_key(), text, associated_data=self._place())

    def _place(self) -> bytes:
        place = Place("accounts_authenticationrequest", "content_sealed", self.id)
        return place.associated_data("installation")


def _request_key() -> bytes:
    return derived_key("accounts.authentication_request")


class ProviderSession(models.Model):
    """Which identity opened a session, so that the provider can end it too."""

    session = models.OneToOneField(
        AuthSession, primary_key=True, on_delete=models.CASCADE, related_name="origin"
    )
    identity = models.ForeignKey(
        ExternalIdentity, on_delete=models.CASCADE, related_name="provider_sessions"
    )
    # The provider's name of its own session (claim `sid`), known by digest only.
    sid_digest = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["sid_digest"], name="accounts_origin_sid")]

    def __str__(self) -> str:
        return f"origin of {self.session_id}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which identity signs somebody in, and in which session of its provider."""

    identity: ExternalIdentity
    sid_digest: bytes | None = None
    # When the provider saw him itself, if that was earlier and nothing was asked here.
    authenticated_at: datetime | None = None


def sid_digest(provider_id: UUID, sid: str) -> bytes:
    """Return the digest under which a provider's session is known."""
    return blind_index("accounts.provider_session", f"{provider_id}|{sid}")


class SpentToken(models.Model):
    """A logout token that was used; it is not taken a second time."""

    digest = models.BinaryField(max_length=32, primary_key=True, editable=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"spent until {self.expires_at:%Y-%m-%d %H:%M}"


class ChannelCode(models.Model):
    """A one-time code from a signed-in session that links a chat channel's user."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(AuthSession, on_delete=models.CASCADE)
    channel = models.CharField(max_length=8, choices=IdentityChannel.choices)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.channel} code of {self.session_id}"

    def is_good(self, now: datetime) -> bool:
        """Whether it still links: in time, its session alive, its account open."""
        return (
            now < self.expires_at
            and self.session.is_live(now)
            and self.session.user.is_active
        )
