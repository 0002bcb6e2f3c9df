"""API keys are made, used and revoked here. The key itself is kept nowhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import api_keys, events, notices
from accounts.constants import (
    KEY_DAYS,
    KEY_MAX_LIFE,
    KEY_MESSAGES_PER_MINUTE,
    KEY_MOST_MESSAGES_PER_MINUTE,
    KEY_REFUSAL_RESOLUTION,
    KEYS_PER_ACCOUNT,
    LAST_SEEN_RESOLUTION,
    MAX_KEY_NAME,
    MAX_KEY_NETWORKS,
    MAX_KEY_SCOPES,
)
from accounts.models import ApiKey, AuthSession, ServiceAccount, User
from accounts.scopes import checked_scopes
from accounts.seniority import refuse_lending
from accounts.services import proof
from accounts.services.notices import notify
from auditlog.services import Target, record, record_refusal
from chatsec.core.errors import Conflict, Denied, Invalid, Json, NotFound
from chatsec.core.networks import parse_networks


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a new key is for, how long and from where."""

    name: str
    scopes: Collection[str]
    days: int = KEY_DAYS
    networks: Collection[str] = ()
    messages_per_minute: int = KEY_MESSAGES_PER_MINUTE


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key with its text, which is shown now and never again."""

    key: ApiKey
    text: str


def make_own_key(session: AuthSession, terms: KeyTerms) -> MadeKey:
    """Return a new key for whoever proved himself in this session just now."""
    proof.require_recent(session)
    return _make(session.user, terms)


def make_service_key(
    session: AuthSession, account: ServiceAccount, terms: KeyTerms
) -> MadeKey:
    """Return a new key for a program; who may is asked at the edge.

    Whoever makes it has proved himself in his own session just now, and holds himself
    what he gives it: he could use it.
    """
    proof.require_recent(session)
    refuse_lending(account.user, terms.scopes)
    return _make(account.user, terms)


def revoke_own_key(user: User, key_id: UUID) -> None:
    """End a key of this user's; anybody else's does not exist for him."""
    key = ApiKey.objects.filter(user=user, id=key_id, revoked_at__isnull=True).first()
    if key is None:
        raise NotFound("There is no such key.")
    revoke_key(key, because="revoked_by_owner")


def revoke_key(key: ApiKey, *, because: str) -> None:
    """End the key at once and everywhere; doing it twice changes nothing."""
    with transaction.atomic():
        if not _end(key.id, because=because):
            return
        record(
            events.API_KEY_REVOKED,
            target=target_of(key),
            subject_id=key.user_id,
            details={"because": because},
            subject_details={"name": key.name},
        )
        _tell(key, notices.API_KEY_REVOKED)


def revoke_all_keys(user: User, *, because: str) -> int:
    """End every key of the account; return how many worked until now."""
    with transaction.atomic():
        live = ApiKey.objects.filter(user=user, revoked_at__isnull=True)
        ended = live.update(revoked_at=timezone.now(), revoked_because=because)
        if ended:
            record(
                events.API_KEY_REVOKED,
                target=Target(type="accounts.user", id=str(user.id)),
                subject_id=user.id,
                details={"because": because, "keys": ended},
            )
    return ended


def touch_key(key: ApiKey, *, now: datetime) -> None:
    """Note that the key was used, at most once a minute."""
    if key.last_used_at is not None and now - key.last_used_at < LAST_SEEN_RESOLUTION:
        return
    before = now - LAST_SEEN_RESOLUTION
    used = ApiKey.objects.filter(id=key.id).exclude(last_used_at__gt=before)
    used.update(last_used_at=now)
    key.last_used_at = now


def record_key_refusal(key: ApiKey, *, reason: str, now: datetime) -> None:
    """Leave evidence that somebody tried a key that is no good, once a minute."""
    before = now - KEY_REFUSAL_RESOLUTION
    known = ApiKey.objects.filter(id=key.id).exclude(last_refused_at__gt=before)
    if known.update(last_refused_at=now):
        record_refusal(
            events.API_KEY_REFUSED,
            outcome="denied",
            target=target_of(key),
            subject_id=key.user_id,
            details={"reason": reason},
        )


def target_of(key: ApiKey) -> Target:
    """Return the key as the target of an event."""
    return Target(type="accounts.api_key", id=str(key.id))


def _make(user: User, terms: KeyTerms) -> MadeKey:
    made = api_keys.new_key()
    key = _checked(user, terms)
    key.public_id, key.digest = made.public_id, api_keys.digest_of(made.text)
    with transaction.atomic():
        # Locked: of two who make the last key that the account may have, one does.
        owner = User.objects.select_for_update(no_key=True).get(id=user.id)
        _refuse_unless_room(owner)
        key.save(force_insert=True)
        details: dict[str, Json] = {
            "scopes": list(key.scopes),
            "expires_at": key.expires_at.isoformat(),
            "from_anywhere": key.networks_sealed is None,
        }
        record(
            events.API_KEY_MADE,
            target=target_of(key),
            subject_id=user.id,
            details=details,
            subject_details={"name": key.name},
        )
        _tell(key, notices.API_KEY_MADE)
    return MadeKey(key, made.text)


def _refuse_unless_room(owner: User) -> None:
    if not owner.is_active:
        raise Denied("The account is closed.")
    now = timezone.now()
    live = ApiKey.objects.filter(
        user=owner, revoked_at__isnull=True, expires_at__gt=now
    )
    if live.count() >= KEYS_PER_ACCOUNT:
        text = f"An account has at most {KEYS_PER_ACCOUNT} keys. Revoke one first."
        raise Conflict(text, code="too_many_keys")


def _checked(user: User, terms: KeyTerms) -> ApiKey:
    """Return the key that the terms describe; raise Invalid naming what is wrong."""
    wrong: dict[str, list[str]] = {}
    if not terms.name.strip() or len(terms.name) > MAX_KEY_NAME:
        wrong["name"] = [f"1 to {MAX_KEY_NAME} characters."]
    elif not terms.name.isprintable():
        wrong["name"] = ["Only characters that can be seen."]
    if not 1 <= terms.days <= KEY_MAX_LIFE.days:
        wrong["days"] = [f"1 to {KEY_MAX_LIFE.days} days."]
    if not 1 <= terms.messages_per_minute <= KEY_MOST_MESSAGES_PER_MINUTE:
        wrong["messages_per_minute"] = [f"1 to {KEY_MOST_MESSAGES_PER_MINUTE}."]
    if len(terms.scopes) > MAX_KEY_SCOPES:
        wrong["scopes"] = [f"At most {MAX_KEY_SCOPES}."]
    networks = _networks(terms, wrong)
    if wrong:
        raise Invalid("Some fields are not valid.", fields=wrong)
    now = timezone.now()
    key = ApiKey(
        user=user,
        scopes=checked_scopes(user, terms.scopes),
        messages_per_minute=terms.messages_per_minute,
        created_at=now,
        expires_at=now + timedelta(days=terms.days),
    )
    key.name, key.networks = terms.name.strip(), networks
    return key


def _networks(terms: KeyTerms, wrong: dict[str, list[str]]) -> list[str]:
    if len(terms.networks) > MAX_KEY_NETWORKS:
        wrong["networks"] = [f"At most {MAX_KEY_NETWORKS}."]
        return []
    try:
        return [str(each) for each in parse_networks(terms.networks)]
    except Invalid as refusal:
        wrong["networks"] = [f"{refusal.message} Write 192.0.2.0/24 or 2001:db8::/32."]
        return []


def _end(key_id: UUID, *, because: str) -> int:
    live = ApiKey.objects.filter(id=key_id, revoked_at__isnull=True)
    return live.update(revoked_at=timezone.now(), revoked_because=because)


def _tell(key: ApiKey, kind: str) -> None:
    """Tell whose key it is; of a program's key, who answers for the program."""
    owner = key.user
    answers = owner.service.responsible if owner.is_service else owner
    if answers is not None and answers.is_active:
        notify(answers, kind, facts={"name": key.name, "account": owner.username})
