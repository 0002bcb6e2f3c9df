"""Passwords are changed by those who know them, and reset by those who get the mail."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib.auth import HASH_SESSION_KEY
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import constants, events, notices
from accounts.constants import LINKS_AN_HOUR
from accounts.errors import LinkExpired
from accounts.models import AccountToken, AuthSession, User
from accounts.pacing import answered_after
from accounts.places import HASHING, RESETS
from accounts.selectors import find_user_by_login, has_second_factor
from accounts.services import account_tokens, lockout, people, proof
from accounts.services.notices import mail_link, notify
from accounts.services.sign_in import rotate_browser_session
from auditlog.services import record
from chatsec.core import context
from chatsec.core.errors import Conflict, Invalid

Purpose = AccountToken.Purpose


def change_password(
    request: HttpRequest,
    session: AuthSession,
    *,
    current: str,
    new: str,
    end_keys: bool = False,
) -> None:
    """Set another password; every other device and token of the account is out.

    Somebody with a second factor has to have shown it just now as well. Raises
    ProofNeeded, Busy, AccountLocked, Invalid (`wrong_password`, or the policy's
    reasons).
    """
    user = session.user
    if has_second_factor(user):
        proof.require_recent(session)
    lockout.refuse_closed(user, ip=context.current().ip)
    with HASHING.take():
        proof.require_password(request, user, current)
        if new == current:
            refusal = "This is the password that you have."
            raise Invalid(refusal, fields={"password": [refusal]})
        _change(session, new, end_keys=end_keys)


def _change(session: AuthSession, new: str, *, end_keys: bool) -> None:
    user = session.user
    with transaction.atomic():
        _hold_unchanged(user)
        people.set_password(
            user, new, because="changed", besides=session.id, end_keys=end_keys
        )
        notify(user, notices.PASSWORD_CHANGED)


def keep_browser_signed_in(request: HttpRequest, user: User) -> None:
    """Give the browser that changed the password a new cookie under the new one."""
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    rotate_browser_session(request)


def ask_reset(name: str) -> None:
    """Mail a link for a new password if there is somebody to mail it to.

    Nothing tells whether there was: neither the answer nor how long it took, which is
    far above what either needs and far below what a visitor notices.
    """
    ip = context.current().ip
    lockout.refuse_closed_from(ip)
    with (
        RESETS.take(),
        answered_after(constants.RESET_ANSWER_SECONDS),
        lockout.attempt_from(ip),
    ):
        user = find_user_by_login(name)
        if user is not None:
            with transaction.atomic():
                _mail_reset(user)


def send_reset(user: User) -> None:
    """Mail the link on behalf of an administrator, who never learns the password."""
    with transaction.atomic():
        if not _mail_reset(user):
            raise Conflict(
                "No link was mailed: the account is closed, has no password yet, or "
                "got several links within the hour."
            )


def reset_password(raw: str, password: str, *, end_keys: bool = False) -> User:
    """Set a new password by a mailed link; it signs nobody in, and ends every session.

    The second factor stays what it was. Raises LinkExpired, Invalid, AccountLocked
    or Busy.
    """
    lockout.refuse_closed_from(context.current().ip)
    with HASHING.take():
        check_link(raw, Purpose.RESET)
        return _reset(raw, password, end_keys=end_keys)


def _reset(raw: str, password: str, *, end_keys: bool) -> User:
    with transaction.atomic():
        token = account_tokens.spend(raw, Purpose.RESET)
        people.set_password(token.user, password, because="reset", end_keys=end_keys)
        notify(token.user, notices.PASSWORD_CHANGED)
    return token.user


def check_link(raw: str, purpose: Purpose) -> AccountToken:
    """Return the link while it is good; guessing at links is counted like at codes."""
    with lockout.attempt_from(context.current().ip) as attempt:
        found = account_tokens.find(raw, purpose)
        attempt.succeeded = found is not None
    if found is None:
        raise LinkExpired
    return found


def link_path(page: str, raw: str) -> str:
    """Return the path of a page with a single-use token, to be mailed."""
    return f"{reverse(page)}?{urlencode({'token': raw})}"


def has_room_for_link(user: User, purpose: Purpose) -> bool:
    """Whether another mail of this purpose is in order: nobody's mailbox is flooded.

    The caller holds the account's row, so that parallel ones are counted.
    """
    since = timezone.now() - timedelta(hours=1)
    recent = AccountToken.objects.filter(
        user=user, purpose=purpose, created_at__gt=since
    )
    return recent.count() < LINKS_AN_HOUR


def _mail_reset(user: User) -> bool:
    user = User.objects.select_for_update(no_key=True).get(id=user.id)
    if (
        not user.is_active
        or not user.has_usable_password()
        or not has_room_for_link(user, Purpose.RESET)
    ):
        return False
    raw = account_tokens.issue(user, Purpose.RESET)
    path = link_path("password-reset", raw)
    mail_link(user, notices.PASSWORD_RESET_ASKED, path_with_token=path)
    target = people.target_of(user)
    record(events.PASSWORD_RESET_ASKED, target=target, subject_id=user.id)
    return True


def _hold_unchanged(user: User) -> None:
    """Lock the account's row; refuse if its password was set since it was checked."""
    unchanged = User.objects.select_for_update(no_key=True).filter(
        id=user.id, is_active=True, password=user.password
    )
    if not unchanged.exists():
        raise Conflict("The password was changed in the meantime.")
