"""Apps that people may connect, and the codes with which they do it."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from oauth2_provider.generators import generate_client_id
from oauth2_provider.models import AbstractApplication, ApplicationManager
from uuid_utils.compat import uuid7

from accounts.app_scopes import SCOPES, in_order
from accounts.models.sessions import AuthSession
from accounts.redirect_uris import find_fault, is_registered

MAX_REDIRECT_URIS = 10


class OAuthApplication(AbstractApplication):
    """An app that may ask people to connect it (RFC 6749 section 2).

    Of the library's columns those are kept that chatsec has a use for. The others are
    constants: only the code grant, always with consent, no secret in clear, no owner.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client_id = models.CharField(
        "client id", max_length=64, unique=True, default=generate_client_id
    )
    name = models.CharField(max_length=100, help_text="What people see and decide on.")
    description = models.CharField(
        max_length=300, blank=True, help_text="Shown below the name: who runs it."
    )
    # Of a confidential app's secret only a keyed digest; a public app has none.
    secret_digest = models.BinaryField(max_length=32, null=True, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=32),
        help_text="What the app may ask people for.",
    )
    is_enabled = models.BooleanField(
        "may be used",
        default=True,
        help_text="Switched off, it is disconnected from everybody at once.",
    )

    user = None
    client_secret = ""
    hash_client_secret = True
    authorization_grant_type = AbstractApplication.GRANT_AUTHORIZATION_CODE
    skip_authorization = False
    algorithm = ""
    allowed_origins = ""
    post_logout_redirect_uris = ""
    registration_source = AbstractApplication.RegistrationSource.MANUAL
    cimd_expires_at = None

    objects = ApplicationManager()

    class Meta:
        verbose_name = "app that people may connect"
        verbose_name_plural = "apps that people may connect"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(client_type="public", secret_digest__isnull=True)
                | models.Q(client_type="confidential", secret_digest__isnull=False),
                name="accounts_oauth_secret_by_type",
            ),
        ]

    def clean(self) -> None:
        """Refuse redirect addresses and scopes that cannot be meant."""
        unknown = set(self.scopes or []) - {*SCOPES}
        faults = {
            "redirect_uris": list(_redirect_faults(self.redirect_uris.split())),
            "scopes": [f"{each} is no scope." for each in unknown],
        }
        if found := {field: texts for field, texts in faults.items() if texts}:
            raise ValidationError(found)

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Whether a code may be sent there."""
        return is_registered(uri, self.redirect_uris.split())

    def get_allowed_schemes(self) -> Sequence[str]:
        """Return the schemes of the app's own addresses."""
        return [uri.partition(":")[0] for uri in self.redirect_uris.split()]

    def is_usable(self, request: object) -> bool:
        """Whether the app is switched on."""
        return bool(self.is_enabled)

    def get_absolute_url(self) -> str:
        """Return nothing: the library's own pages are not served."""
        return ""

    @property
    def is_public(self) -> bool:
        """Whether it runs on people's devices and can keep no secret."""
        return bool(self.client_type == self.CLIENT_PUBLIC)

    @property
    def offered_scopes(self) -> tuple[str, ...]:
        """Return what it may ask for."""
        return in_order(self.scopes)


def _redirect_faults(uris: Sequence[str]) -> list[str]:
    if not uris or len(uris) > MAX_REDIRECT_URIS:
        return [f"Give between 1 and {MAX_REDIRECT_URIS} addresses."]
    return [f"{uri} {fault}." for uri in uris if (fault := find_fault(uri))]


class AuthorizationCode(models.Model):
    """What a browser carries to the app for a minute: worth one exchange.

    It hangs on the browser's session in which the person said yes, and so it is worth
    nothing once that ends. A spent one is kept, so that a second use is noticed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    application = models.ForeignKey(OAuthApplication, on_delete=models.CASCADE)
    session = models.ForeignKey(
        AuthSession, on_delete=models.CASCADE, related_name="authorization_codes"
    )
    redirect_uri = models.CharField(max_length=512)
    scopes = ArrayField(models.CharField(max_length=32))
    # PKCE, S256 only (RFC 7636): 32 bytes in base64url.
    code_challenge = models.CharField(max_length=43)
    nonce = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    # What came of it; ended if the code is used again (RFC 9700 section 4.5).
    opened = models.ForeignKey(
        AuthSession,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(code_challenge__regex=r"^[A-Za-z0-9_-]{43}$"),
                name="accounts_code_has_challenge",
            ),
        ]

    def __str__(self) -> str:
        return f"authorization code for {self.application_id}"
