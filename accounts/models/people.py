"""The people of the organisation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.contrib import auth
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.names import fold_name
from chatsec.core.context import AttributeValue
from chatsec.core.crypto import Place, blind_index, open_for, seal_for

if TYPE_CHECKING:
    from django_otp.models import Device

# ASCII on purpose: with every letter of Unicode, two names can look the same.
USERNAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
USERNAME_RULE = (
    "A user name has letters a-z, digits, dots, dashes and underscores, "
    "and begins with a letter or digit."
)


def email_digest(email: str) -> bytes:
    """Return the blind index by which an e-mail address is found."""
    return blind_index("accounts.email", fold_name(email))


class UserManager(BaseUserManager["User"]):
    """Finds people; `accounts.services.people` makes them."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user of that name, in whatever spelling."""
        return self.get(username=fold_name(username or ""))

    def create_superuser(self, *_args: object, **_fields: object) -> User:
        """Refuse: nobody is above the policy; `bootstrap_admin` gives the role."""
        raise NotImplementedError("Use `manage.py bootstrap_admin`.")


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]  # its device class has no types
    """A person who can sign in. Personal columns open only with the person's key."""

    # Sessions know when somebody was here; the account keeps no second trace.
    last_login = None

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(USERNAME_PATTERN, USERNAME_RULE)],
    )
    email_sealed = models.BinaryField(editable=False)
    email_index = models.BinaryField(max_length=32, unique=True, editable=False)
    display_name_sealed = models.BinaryField(editable=False)
    department = models.CharField(max_length=64, blank=True)
    region = models.CharField(max_length=64, blank=True)
    team = models.CharField(max_length=64, blank=True)
    manager = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="reports",
    )
    approval_limit = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may open the admin site", default=False)
    # A program, not a person: it comes by API key and never signs in.
    is_service = models.BooleanField(default=False, editable=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # guardian looks for it; roles are never mirrored into it.
    groups = models.ManyToManyField("auth.Group", blank=True, related_name="user_set")

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    # Set by django-otp's middleware, and by the token authenticator.
    otp_device: Device | None = None

    class Meta:
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(username__regex=USERNAME_PATTERN),
                name="accounts_user_username_plain",
                violation_error_message=USERNAME_RULE,
            ),
            models.CheckConstraint(
                condition=~models.Q(manager=models.F("id")),
                name="accounts_user_not_own_manager",
                violation_error_message="Nobody is his own manager.",
            ),
            models.CheckConstraint(
                condition=models.Q(approval_limit__isnull=True)
                | models.Q(approval_limit__gte=0),
                name="accounts_user_limit_not_negative",
                violation_error_message="A limit is not negative.",
            ),
            models.CheckConstraint(
                condition=models.Q(is_service=False)
                | models.Q(password__startswith=UNUSABLE_PASSWORD_PREFIX),
                name="accounts_user_service_has_no_password",
            ),
            models.CheckConstraint(
                condition=models.Q(is_service=False) | models.Q(is_staff=False),
                name="accounts_user_service_is_no_staff",
                violation_error_message="A program does not open the admin site.",
            ),
        ]

    def clean(self) -> None:
        """Fold the user name, so that one person has one spelling."""
        self.username = fold_name(self.username)

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Return the one spelling of a name."""
        return fold_name(username)

    def _place(self, column: str) -> Place:
        return Place("accounts_user", column, self.id)

    @property
    def email(self) -> str:
        """The e-mail address, opened with the person's key."""
        return open_for(
            self.id, bytes(self.email_sealed), place=self._place("email_sealed")
        )

    @email.setter
    def email(self, value: str) -> None:
        self.email_sealed = seal_for(self.id, value, place=self._place("email_sealed"))
        self.email_index = email_digest(value)

    @property
    def display_name(self) -> str:
        """The name to show, opened with the person's key."""
        place = self._place("display_name_sealed")
        return open_for(self.id, bytes(self.display_name_sealed), place=place)

    @display_name.setter
    def display_name(self, value: str) -> None:
        place = self._place("display_name_sealed")
        self.display_name_sealed = seal_for(self.id, value, place=place)

    def get_full_name(self) -> str:
        """Return the name to show, or the user name where there is none."""
        return self.display_name or self.username

    def get_short_name(self) -> str:
        """Return the user name."""
        return self.username

    @property
    def is_superuser(self) -> bool:
        """Nobody is above the policy: the role `*` goes through the backend too."""
        return False

    @property
    def status(self) -> str:
        """Whether the account is closed, waits for its first password, or is used."""
        if not self.is_active:
            return "closed"
        return "active" if self.has_usable_password() else "invited"

    def is_verified(self) -> bool:
        """Whether a second factor was shown in this session."""
        return self.otp_device is not None

    def policy_attributes(self) -> Mapping[str, AttributeValue]:
        """Return what conditions may name as `user.<name>`; unset is unknown."""
        return {
            "id": str(self.id),
            "username": self.username,
            "department": self.department or None,
            "region": self.region or None,
            "team": self.team or None,
            "approval_limit": self.approval_limit,
        }

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Whether a backend grants the permission; an inactive user has none."""
        return self._any_backend("has_perm", perm, obj)

    def has_perms(
        self, perm_list: Iterable[str], obj: models.Model | None = None
    ) -> bool:
        """Whether every permission is granted."""
        if isinstance(perm_list, str):
            raise TypeError("perm_list is a list of permissions, not one")
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether any permission of the app is granted."""
        return self._any_backend("has_module_perms", app_label)

    def _any_backend(self, check: str, *asked: object) -> bool:
        # Django lets active superusers through before it asks; here nobody is one.
        backends = [each for each in auth.get_backends() if hasattr(each, check)]
        try:
            return self.is_active and any(
                getattr(backend, check)(self, *asked) for backend in backends
            )
        except PermissionDenied:
            return False  # a backend's veto, before any later one is asked

    def get_all_permissions(self, obj: models.Model | None = None) -> set[str]:
        """Return every permission that the backends know of for this user."""
        if not self.is_active:
            return set()
        return {
            permission
            for backend in auth.get_backends()
            if hasattr(backend, "get_all_permissions")
            for permission in backend.get_all_permissions(self, obj)
        }

    def get_group_permissions(self, obj: models.Model | None = None) -> set[str]:
        """Return nothing: groups grant nothing here, roles do."""
        return set()


def user_id_of(value: UUID | str) -> UUID | None:
    """Return the value as an id, or None when it is none."""
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except ValueError:
        return None
