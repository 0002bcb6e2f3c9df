"""An e-mail address is changed once its owner has answered from there."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts import events, notices
from accounts.constants import MAX_LOGIN_LENGTH
from accounts.errors import LinkExpired
from accounts.models import AccountToken, AuthSession, User
from accounts.names import fold_name
from accounts.services import account_tokens, passwords, people, proof
from accounts.services.notices import mail_link
from auditlog.services import record
from chatsec.core.errors import Invalid, TooMany

Purpose = AccountToken.Purpose
HOUR_SECONDS = 60 * 60


def ask_email_change(session: AuthSession, email: str) -> None:
    """Mail a link to the new address; until it is followed nothing changes.

    An address that somebody else has gets the mail like any other: only who reads it
    there learns that it is taken. Raises ProofNeeded, Invalid, TooMany.
    """
    proof.require_recent(session)
    _check_address(session.user, email)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(id=session.user_id)
        if not passwords.has_room_for_link(user, Purpose.EMAIL_CHANGE):
            raise TooMany(
                "Too many mails were sent. Please wait an hour.",
                retry_after_seconds=HOUR_SECONDS,
            )
        raw = account_tokens.issue(user, Purpose.EMAIL_CHANGE, email=email)
        mail_link(
            user,
            notices.EMAIL_CHANGE_ASKED,
            path_with_token=passwords.link_path("account-email-confirm", raw),
            address=email,
        )
        target = people.target_of(user)
        record(events.EMAIL_CHANGE_ASKED, target=target, subject_id=user.id)


def confirm_email_change(session: AuthSession, raw: str) -> None:
    """Use the new address; the old one is told.

    Only in a session of the account's own: a link that went to a wrong address must
    not be worth anything there. Raises LinkExpired, Conflict (`taken`), AccountLocked.
    """
    token = passwords.check_link(raw, Purpose.EMAIL_CHANGE)
    if token.user_id != session.user_id:
        raise LinkExpired
    with transaction.atomic():
        token = account_tokens.spend(raw, Purpose.EMAIL_CHANGE)
        people.update_user(token.user, email=token.email)


def _check_address(user: User, email: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        fields = {"email": list(error.messages)}
        raise Invalid("Some fields are not valid.", fields=fields) from error
    if len(email) > MAX_LOGIN_LENGTH or fold_name(email) == fold_name(user.email):
        fields = {"email": ["This is the address that you have, or no address."]}
        raise Invalid("Some fields are not valid.", fields=fields)
