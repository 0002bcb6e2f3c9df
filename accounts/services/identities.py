"""Identities elsewhere are linked, found and unlinked here; never by an e-mail address.

A chat channel (Slack, Teams, Alexa) links by a one-time code: its user gets the code
from his own signed-in session here and gives it to the channel, whose own signed
requests prove who sent it. The other way round, a stranger could send somebody a link
that ties the stranger's chat to that somebody's account.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import events, notices
from accounts.constants import CHANNEL_CODE_LIFE
from accounts.errors import IdentityUnknown, LinkExpired
from accounts.models import (
    AuthSession,
    ChannelCode,
    ExternalIdentity,
    IdentityChannel,
    IdentityProvider,
    User,
)
from accounts.models.identities import MAX_SUBJECT, identity_digest
from accounts.selectors import factor_methods
from accounts.services import proof
from accounts.services.notices import notify
from accounts.services.sessions import revoke_session
from auditlog.registry import EventType
from auditlog.services import Target, record
from chatsec.core.crypto import blind_index
from chatsec.core.errors import Conflict, Invalid, NotFound

LinkedBy = ExternalIdentity.LinkedBy
CODE_BYTES = 15  # 120 bits: nobody guesses it, and it is typed once at most
MAX_LABEL = 255


@dataclass(frozen=True, slots=True)
class Claimed:
    """An identity elsewhere that was proven just now."""

    channel: str
    tenant: str
    subject: str
    label: str = ""
    provider: IdentityProvider | None = None


def find_identity(
    channel: str, *, tenant: str, subject: str
) -> ExternalIdentity | None:
    """Return the linked identity with its user; None where nobody open linked it."""
    digest = identity_digest(channel, tenant=tenant, subject=subject)
    rows = ExternalIdentity.objects.select_related("user", "provider")
    return rows.filter(digest=digest, user__is_active=True).first()


def link_identity(user: User, claimed: Claimed, *, by: str) -> ExternalIdentity:
    """Link the identity to the account; somebody else's stays his (identity_taken).

    Linking one's own again changes nothing.
    """
    if not claimed.subject or len(claimed.subject) > MAX_SUBJECT:
        raise Invalid("This identity has no usable identifier.")
    try:
        with transaction.atomic():
            _hold(user)
            made = _new(user, claimed, by=by)
            _tell(user, made, event=events.IDENTITY_LINKED)
            notify(user, notices.IDENTITY_LINKED, facts={"provider": made.where})
    except IntegrityError as error:
        return _linked_before(user, claimed, error)
    return made


def _hold(user: User) -> None:
    """Lock the account's row: linking, unlinking and sign-in come one by one."""
    rows = User.objects.select_for_update(no_key=True)
    if not rows.filter(id=user.id, is_active=True).exists():
        raise IdentityUnknown


def _new(user: User, claimed: Claimed, *, by: str) -> ExternalIdentity:
    made = ExternalIdentity(
        user=user,
        channel=claimed.channel,
        provider=claimed.provider,
        tenant=claimed.tenant,
        linked_by=by,
    )
    label = claimed.label or claimed.subject
    made.set_subject(claimed.subject, label=notices.clean_fact(label)[:MAX_LABEL])
    made.save(force_insert=True)
    return made


def _linked_before(
    user: User, claimed: Claimed, error: IntegrityError
) -> ExternalIdentity:
    known = find_identity(
        claimed.channel, tenant=claimed.tenant, subject=claimed.subject
    )
    if known is None or known.user_id != user.id:
        # Whose it is, nobody is told.
        raise Conflict(
            "This identity is linked with another account.", code="identity_taken"
        ) from error
    return known


def unlink_identity(session: AuthSession, identity_id: UUID) -> None:
    """Unlink one of the session's user's identities; what it had opened ends.

    Asks for fresh proof. The last way to sign in stays. The session itself goes on.
    """
    proof.require_recent(session)
    user = session.user
    with transaction.atomic():
        _hold(user)
        found = (
            ExternalIdentity.objects.select_related("provider")
            .filter(id=identity_id, user=user)
            .first()
        )
        if found is None:
            raise NotFound("There is no such identity.")
        _keep_a_way_in(user, found)
        _unlink(found, but=session)


def unlink_for(identity: ExternalIdentity) -> None:
    """Unlink somebody's identity for whoever administers accounts.

    Even the last way in goes: an invitation opens another one.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(id=identity.user_id)
        found = (
            ExternalIdentity.objects.select_related("provider", "user")
            .filter(id=identity.id)
            .first()
        )
        if found is not None:
            _unlink(found, but=None)


def _unlink(identity: ExternalIdentity, *, but: AuthSession | None) -> None:
    _end_sessions(identity, but=but)
    _tell(identity.user, identity, event=events.IDENTITY_UNLINKED)
    facts = {"provider": identity.where}
    notify(identity.user, notices.IDENTITY_UNLINKED, facts=facts)
    identity.delete()


def _keep_a_way_in(user: User, leaving: ExternalIdentity) -> None:
    others = ExternalIdentity.objects.filter(
        user=user, channel=IdentityChannel.OIDC, provider__is_active=True
    ).exclude(id=leaving.id)
    if leaving.channel != IdentityChannel.OIDC or user.has_usable_password():
        return
    if not others.exists() and "passkey" not in factor_methods(user):
        raise Conflict(
            "This is the only way to sign in to your account. "
            "Set a password or link another identity first.",
            code="last_way_in",
        )


def _end_sessions(identity: ExternalIdentity, *, but: AuthSession | None) -> None:
    opened = AuthSession.objects.filter(
        origin__identity=identity, revoked_at__isnull=True
    )
    for session in opened.order_by("id"):
        if but is None or session.id != but.id:
            revoke_session(session, because="identity_unlinked")


def _tell(user: User, identity: ExternalIdentity, *, event: EventType) -> None:
    record(
        event,
        target=Target(type="accounts.identity", id=str(identity.id)),
        subject_id=user.id,
        details={"channel": identity.channel, "linked_by": identity.linked_by},
        subject_details={"where": identity.where, "label": identity.label},
    )


def issue_channel_code(
    session: AuthSession, channel: IdentityChannel, *, now: datetime | None = None
) -> str:
    """Return a code for the chat channel: ten minutes, once, this session's user.

    Asks for fresh proof; an older code of the session for the channel is void.
    """
    now = now or timezone.now()
    proof.require_recent(session, now=now)
    if channel == IdentityChannel.OIDC:
        raise Invalid("A provider is linked at the provider.")
    raw = b32encode(secrets.token_bytes(CODE_BYTES)).decode()
    with transaction.atomic():
        ChannelCode.objects.filter(session=session, channel=channel).delete()
        ChannelCode.objects.create(
            session=session,
            channel=channel,
            digest=_code_digest(channel, raw),
            created_at=now,
            expires_at=now + CHANNEL_CODE_LIFE,
        )
    return "-".join(raw[i : i + 4] for i in range(0, len(raw), 4))


def spend_channel_code(
    claimed: Claimed, code: str, *, now: datetime | None = None
) -> ExternalIdentity:
    """Link the channel's user who sent the code; raise LinkExpired or Conflict.

    The caller has verified that the request is the channel's own and who sent it. Of
    any number of parallel callers exactly one gets the code; a refusal uses it up.
    """
    now = now or timezone.now()
    digest = _code_digest(claimed.channel, code.replace("-", "").strip().upper())
    with transaction.atomic():
        # The lock is the gate: whoever comes second finds no row.
        found = (
            ChannelCode.objects.select_for_update(of=("self",))
            .select_related("session__user")
            .filter(digest=digest, channel=claimed.channel)
            .first()
        )
        if found is not None:
            ChannelCode.objects.filter(id=found.id).delete()
    if found is None or not found.is_good(now):
        raise LinkExpired
    return link_identity(found.session.user, claimed, by=LinkedBy.SESSION)


def _code_digest(channel: str, raw: str) -> bytes:
    return blind_index("accounts.channel_code", f"{channel}|{raw}")
