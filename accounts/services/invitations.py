"""Accounts begin with an invitation: nobody chooses a password for anybody else."""

from __future__ import annotations

from typing import Unpack

from django.conf import settings
from django.db import transaction

from accounts import events, notices
from accounts.models import AccountToken, ExternalIdentity, User
from accounts.places import HASHING
from accounts.services import account_tokens, lockout, passwords, people
from accounts.services.identities import Claimed, link_identity
from accounts.services.notices import mail_link
from auditlog.services import record
from chatsec.core import context
from chatsec.core.errors import Conflict

Purpose = AccountToken.Purpose


def invite(username: str, **profile: Unpack[people.Profile]) -> User:
    """Return a new account without a password; its person is mailed a link."""
    with transaction.atomic():
        user = people.create_user(username, password=None, **profile)
        _mail_invitation(user)
    return user


def invite_again(user: User) -> None:
    """Mail a new link; the older ones are dead. Raise Conflict where it is no use."""
    with transaction.atomic():
        held = User.objects.select_for_update(no_key=True).get(id=user.id)
        if not held.is_active or held.is_service or held.has_usable_password():
            raise Conflict("The account is closed or has a password already.")
        account_tokens.withdraw(held, Purpose.INVITATION)
        _mail_invitation(held)


def accept_invitation(
    raw: str, *, password: str, display_name: str | None = None
) -> User:
    """Set name and password by a mailed link; signing in comes next.

    Raises LinkExpired, Invalid, AccountLocked, Busy.
    """
    lockout.refuse_closed_from(context.current().ip)
    with HASHING.take():
        passwords.check_link(raw, Purpose.INVITATION)
        return _accept(raw, password=password, display_name=display_name)


def _accept(raw: str, *, password: str, display_name: str | None) -> User:
    with transaction.atomic():
        user = account_tokens.spend(raw, Purpose.INVITATION).user
        if display_name:
            people.update_user(user, display_name=display_name)
        people.set_password(user, password, because="invited")
        target = people.target_of(user)
        record(events.INVITATION_ACCEPTED, target=target, subject_id=user.id)
    return user


def accept_by_identity(raw: str, claimed: Claimed) -> User:
    """Link an identity by a mailed link instead of setting a password.

    Raises LinkExpired, or Conflict where the identity is somebody else's; the link is
    good still then.
    """
    with transaction.atomic():
        user = account_tokens.spend(raw, Purpose.INVITATION).user
        link_identity(user, claimed, by=ExternalIdentity.LinkedBy.INVITATION)
        target = people.target_of(user)
        record(events.INVITATION_ACCEPTED, target=target, subject_id=user.id)
    return user


def _mail_invitation(user: User) -> None:
    raw = account_tokens.issue(user, Purpose.INVITATION)
    mail_link(
        user,
        notices.INVITED,
        path_with_token=passwords.link_path("invitation", raw),
        facts={"organisation": settings.CHATSEC_ORGANISATION},
    )
    target = people.target_of(user)
    record(events.USER_INVITED, target=target, subject_id=user.id)
