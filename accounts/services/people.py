"""Accounts are made, changed and closed here."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from accounts import events, notices
from accounts.models import AccountToken, Challenge, User
from accounts.names import fold_name
from accounts.passwords import check_password_policy, words_about
from accounts.seniority import refuse_managing
from accounts.services.api_keys import revoke_all_keys
from accounts.services.notices import notify
from accounts.services.sessions import revoke_all_sessions
from auditlog.services import Target, record
from chatsec.core.errors import Conflict, Invalid

PERSONAL = ("email", "display_name")
MAX_DISPLAY_NAME = 150
# Columns whose rules are checked here, before they are hashed or sealed.
NOT_THE_MODELS = ("password", "email_sealed", "email_index", "display_name_sealed")


class Profile(TypedDict, total=False):
    """What an account says about its person."""

    email: str
    display_name: str
    department: str
    region: str
    team: str
    manager: User | None
    approval_limit: Decimal | int | None
    is_staff: bool
    is_active: bool


class Changes(Profile, total=False):
    """What can be changed about an account."""

    username: str


def create_user(
    username: str, *, password: str | None, **profile: Unpack[Profile]
) -> User:
    """Return a new account; without a password nobody can sign in to it yet."""
    user = User(username=fold_name(username))
    _check_personal({"email": "", **profile})
    _set_clear(user, profile)
    about = (user.username, profile.get("email", ""), profile.get("display_name", ""))
    _set_password(user, password, about=about)
    _validate(user)
    with transaction.atomic():
        # Sealing makes the person a key: only for somebody who gets an account.
        user.display_name = user.username
        _set_personal(user, profile)
        _save(user, columns=None)
        record(
            events.USER_CREATED,
            target=target_of(user),
            subject_id=user.id,
            subject_details={"username": user.username},
        )
    return user


def update_user(user: User, **profile: Unpack[Changes]) -> User:
    """Change the account; closing it ends its sessions in the same transaction."""
    old_email = user.email if "email" in profile else ""
    changed = sorted(name for name in profile if _value(user, name) != profile[name])  # type: ignore[literal-required]
    if not changed:
        return user
    refuse_managing(user, changed)
    _check_personal(profile)
    if "username" in profile:
        user.username = fold_name(profile["username"])
    _set_clear(user, profile)
    _validate(user)
    _set_personal(user, profile)
    with transaction.atomic():
        if "is_active" in changed and not user.is_active:
            # Who may close whom is known further up: settings name the door.
            import_string(settings.CHATSEC_BEFORE_CLOSING)(user)
        # Only what changed: a stale copy must not reopen what another one closed.
        _save(user, columns=_columns(changed))
        if "is_active" in changed and not user.is_active:
            _end_all(user)
        record(
            events.USER_CHANGED,
            target=target_of(user),
            subject_id=user.id,
            details={"columns": list(changed)},
        )
        if "email" in changed:
            # At the old address: whoever took the account over reads the new one.
            notify(user, notices.EMAIL_CHANGED, address=old_email)
    return user


def _end_all(user: User) -> None:
    """End what leads into the account; opened again, it brings none of that back."""
    revoke_all_sessions(user, because="account_closed")
    revoke_all_keys(user, because="account_closed")
    AccountToken.objects.filter(user=user).delete()
    Challenge.objects.filter(user=user, completed_at__isnull=True).delete()


def close_account(user: User) -> User:
    """Close the account: it signs nobody in, from now on and everywhere."""
    return update_user(user, is_active=False)


def set_password(
    user: User,
    password: str,
    *,
    because: str = "set",
    besides: UUID | None = None,
    end_keys: bool = False,
) -> None:
    """Set the password and end every session of the account but `besides`.

    API keys go on unless they are to end too: programs would stop with them.
    """
    _set_password(user, password, about=words_about(user))
    with transaction.atomic():
        user.save(update_fields=["password"])
        # A sign-in that waits for its code began with the old password.
        Challenge.objects.filter(user=user, completed_at__isnull=True).delete()
        revoke_all_sessions(user, because="password_set", besides=besides)
        if end_keys:
            revoke_all_keys(user, because="password_set")
        record(
            events.PASSWORD_SET,
            target=target_of(user),
            subject_id=user.id,
            details={"because": because},
        )


def target_of(user: User) -> Target:
    """Return the account as the target of an event."""
    return Target(type="accounts.user", id=str(user.id))


def _value(user: User, name: str) -> object:
    if name in PERSONAL and not getattr(user, f"{name}_sealed"):
        return None
    return getattr(user, name)


def _set_clear(user: User, profile: Profile) -> None:
    for name, value in profile.items():
        if name not in (*PERSONAL, "username"):
            setattr(user, name, value)


def _set_personal(user: User, profile: Profile) -> None:
    for name, value in profile.items():
        if name in PERSONAL:
            setattr(user, name, value)


def _check_personal(profile: Profile) -> None:
    """Check what the model cannot: its columns for these are sealed."""
    try:
        if "email" in profile:
            validate_email(profile["email"])
    except ValidationError as error:
        fields = {"email": list(error.messages)}
        raise Invalid("Some fields are not valid.", fields=fields) from error
    if len(profile.get("display_name", "")) > MAX_DISPLAY_NAME:
        fields = {"display_name": [f"At most {MAX_DISPLAY_NAME} characters."]}
        raise Invalid("Some fields are not valid.", fields=fields)


def _set_password(user: User, password: str | None, *, about: Iterable[str]) -> None:
    if password is None:
        user.set_unusable_password()
        return
    if user.is_service:
        raise Invalid("A program has no password.", code="service_account")
    try:
        check_password_policy(password, about=about)
    except ValidationError as error:
        fields = {"password": list(error.messages)}
        raise Invalid("Some fields are not valid.", fields=fields) from error
    user.set_password(password)


def _validate(user: User) -> None:
    try:
        user.full_clean(exclude=NOT_THE_MODELS, validate_unique=False)
    except ValidationError as error:
        fields = {
            name.replace("__all__", "non_field_errors"): list(messages)
            for name, messages in error.message_dict.items()
        }
        raise Invalid("Some fields are not valid.", fields=fields) from error


def _columns(names: Iterable[str]) -> list[str]:
    sealed = {
        "email": ("email_sealed", "email_index"),
        "display_name": ("display_name_sealed",),
    }
    return [column for name in names for column in sealed.get(name, (name,))]


def _save(user: User, *, columns: Iterable[str] | None) -> None:
    try:
        with transaction.atomic():
            user.save(update_fields=columns)
    except IntegrityError as error:
        column = "email" if "email_index" in str(error) else "username"
        message = f"Somebody has this {'address' if column == 'email' else 'name'}."
        raise Conflict(message, code="taken", fields={column: [message]}) from error
