"""Failed sign-ins are counted before the password is looked at, not after.

A try reserves its place in three budgets (account, address, network) and only then may
be checked; a success gives the place back. Counting afterwards lets parallel guesses
through: all of them see a count that none has raised yet. The reserved places are rows
in PostgreSQL, so the count is one count for every process and outlives the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from math import ceil
from operator import or_
from time import monotonic, sleep
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.constants import (
    ADDRESS_FAILURES,
    APP_FAILURES,
    APP_REFUSED_MESSAGE,
    LOCK_AFTER_FAILURES,
    LOCK_NOTICE_PAUSE,
    LOCK_PERIOD,
    LOCK_WINDOW,
    SUBNET_FAILURES,
)
from accounts.errors import AccountLocked
from accounts.events import ACCOUNT_UNLOCKED
from accounts.models import AttemptBudget, AuthSession, KnownDevice, User
from accounts.names import fold_name
from accounts.networks import address_of, subnet_of
from accounts.notices import ACCOUNT_LOCKED
from accounts.places import CODES
from accounts.services.blocked import note_blocked
from accounts.services.known_devices import find_device
from accounts.services.notices import notify_at_most
from auditlog.events import SECURITY_ALERT
from auditlog.services import Target, record
from chatsec.core import context
from chatsec.core.crypto import blind_index
from chatsec.core.errors import TooMany

Scope = AttemptBudget.Scope
LIMITS: Mapping[str, int] = {
    Scope.ACCOUNT: LOCK_AFTER_FAILURES,
    Scope.DEVICE: LOCK_AFTER_FAILURES,
    Scope.ADDRESS: ADDRESS_FAILURES,
    Scope.APP: APP_FAILURES,
    Scope.SUBNET: SUBNET_FAILURES,
}
# The budgets that are closed for a while when they are spent; the others just count.
LOCKING = (Scope.ACCOUNT, Scope.DEVICE)
NOBODY = UUID(int=0)
# How long a try waits for places that checks under way may give back.
IN_FLIGHT_PATIENCE = timedelta(seconds=3)
IN_FLIGHT_PAUSE = timedelta(milliseconds=50)


@dataclass(slots=True)
class Attempt:
    """One try that may be checked. Without one, no password is compared."""

    account: bytes
    user: User | None
    keys: Mapping[str, bytes]
    ip: str | None = None
    id: str = field(default_factory=lambda: str(uuid7()))
    succeeded: bool = False


def account_digest(user: User | None, name: str) -> bytes:
    """Return the key of an account's budget: the same for each of its spellings.

    A name that is nobody's has a budget too, or the answer would tell that it is free.
    """
    if user is not None:
        return user_digest(user.id)
    return blind_index("accounts.lockout", f"name:{fold_name(name)}")


def user_digest(user_id: UUID) -> bytes:
    """Return the key of a known account's budget."""
    return blind_index("accounts.lockout", f"user:{user_id}")


@contextmanager
def attempt(
    user: User | None, *, name: str = "", ip: str | None, now: datetime | None = None
) -> Iterator[Attempt]:
    """Reserve a place for one check; the block says whether it succeeded.

    Raises AccountLocked when there is none, or Busy when too many wait for one. A
    block that dies leaves its place taken: a crash is no free try.
    """
    account = account_digest(user, name)
    reserved = Attempt(account, user, _own_keys(user) or _keys(account, ip), ip)
    with _reserved(reserved, now=now or timezone.now()) as attempt:
        yield attempt


@contextmanager
def attempt_from(ip: str | None, *, now: datetime | None = None) -> Iterator[Attempt]:
    """Reserve a place for one check of somebody whom nobody has named yet.

    Only the address and its network are counted.
    """
    reserved = Attempt(b"", None, _network_keys(ip), ip)
    with _reserved(reserved, now=now or timezone.now()) as attempt:
        yield attempt


@contextmanager
def attempt_by_app(
    app_id: UUID | None, *, ip: str | None, now: datetime | None = None
) -> Iterator[Attempt]:
    """Reserve a place for what an app sends; an id that is no app's is None.

    Raises TooMany when it was refused too often.
    """
    digest = _own_digest("app", f"{app_id}:{address_of(ip) if ip else ''}")
    reserved = Attempt(b"", None, {str(Scope.APP): digest}, ip)
    try:
        with _reserved(reserved, now=now or timezone.now()) as attempt:
            yield attempt
    except AccountLocked as locked:
        raise TooMany(
            APP_REFUSED_MESSAGE, retry_after_seconds=locked.retry_after_seconds
        ) from locked


def refuse_closed(user: User | None, *, name: str = "", ip: str | None) -> None:
    """Raise AccountLocked where `attempt` would find a budget closed; count nothing.

    Asked before a place is taken (`accounts.places`): requests that are refused anyway
    would keep everybody else out of the few there are.
    """
    account = account_digest(user, name)
    keys = _own_keys(user) or _keys(account, ip)
    with _on_record(user, account, ip):
        _refuse_closed(keys)


def refuse_closed_from(ip: str | None) -> None:
    """Raise AccountLocked where `attempt_from` would; count nothing."""
    with _on_record(None, b"", ip):
        _refuse_closed(_network_keys(ip))


@contextmanager
def _on_record(user: User | None, account: bytes, ip: str | None) -> Iterator[None]:
    """Let no refusal of the block go without evidence; it comes after any rollback."""
    try:
        yield
    except AccountLocked:
        note_blocked(user, account=account, ip=ip)
        raise


def _refuse_closed(keys: Mapping[str, bytes]) -> None:
    asked = [Q(scope=scope, digest=digest) for scope, digest in keys.items()]
    if asked:
        now = timezone.now()
        rows = AttemptBudget.objects.filter(reduce(or_, asked))
        _refuse_spent([_pruned(budget, now=now) for budget in rows], now=now)


@contextmanager
def _reserved(reserved: Attempt, *, now: datetime) -> Iterator[Attempt]:
    with _on_record(reserved.user, reserved.account, reserved.ip):
        _reserve(reserved, now=now)
    try:
        yield reserved
    finally:
        _settle(reserved, now=now)


def _own_keys(user: User | None) -> dict[str, bytes]:
    """Return the budget that only the owner can spend; none for a stranger.

    Otherwise five wrong passwords from anywhere would keep the owner from signing in,
    and from stepping up where he is signed in.
    """
    if user is None:
        find_device(NOBODY)  # the same query as for somebody
        return {}
    actor = context.current_actor()
    if actor.session_id is not None and actor.id == user.id:
        return {str(Scope.DEVICE): _own_digest("session", actor.session_id)}
    device = find_device(user.id)
    return {} if device is None else {Scope.DEVICE: _own_digest("device", device.id)}


def _own_digest(what: Literal["session", "device", "app"], row_id: UUID | str) -> bytes:
    return blind_index("accounts.lockout", f"{what}:{row_id}")


def _keys(account: bytes, ip: str | None) -> dict[str, bytes]:
    return {str(Scope.ACCOUNT): account, **_network_keys(ip)}


def _network_keys(ip: str | None) -> dict[str, bytes]:
    if ip is None:
        return {}
    return {
        str(Scope.ADDRESS): _network_digest(address_of(ip)),
        str(Scope.SUBNET): _network_digest(subnet_of(ip)),
    }


def _network_digest(network: str) -> bytes:
    return blind_index("accounts.lockout", f"network:{network}")


def _reserve(reserved: Attempt, *, now: datetime) -> None:
    if _has_place(reserved, now=now):
        return
    # All places are taken by checks that have not answered yet: the honest ones
    # give theirs back in a moment, the others lock the account.
    with CODES.take():
        _wait_for_place(reserved, now=now)


def _wait_for_place(reserved: Attempt, *, now: datetime) -> None:
    deadline = monotonic() + IN_FLIGHT_PATIENCE.total_seconds()
    while monotonic() <= deadline:
        sleep(IN_FLIGHT_PAUSE.total_seconds())
        if _has_place(reserved, now=now):
            return
    raise AccountLocked(retry_after_seconds=1)


def _has_place(reserved: Attempt, *, now: datetime) -> bool:
    """Whether a place was reserved in each budget; raise AccountLocked at a limit."""
    with transaction.atomic():
        budgets = _locked_budgets(reserved, now=now)
        _refuse_spent(budgets, now=now)
        if any(len(each.tries) >= LIMITS[each.scope] for each in budgets):
            return False
        for budget in budgets:
            budget.tries[reserved.id] = [now.timestamp(), False]
            budget.touched_at = now
            budget.save(update_fields=["tries", "touched_at"])
    return True


def _refuse_spent(budgets: Sequence[AttemptBudget], *, now: datetime) -> None:
    waits = [_seconds_to_wait(budget, now=now) for budget in budgets]
    if any(waits):
        raise AccountLocked(retry_after_seconds=max(waits))


def _settle(reserved: Attempt, *, now: datetime) -> None:
    with transaction.atomic():
        for budget in _locked_budgets(reserved, now=now):
            if reserved.succeeded:
                budget.tries.pop(reserved.id, None)
            else:
                budget.tries[reserved.id] = [now.timestamp(), True]
                _lock_if_exhausted(budget, reserved.user, now=now)
            budget.save(update_fields=["tries", "locked_until"])


def _locked_budgets(reserved: Attempt, *, now: datetime) -> list[AttemptBudget]:
    """Return the rows under lock, always in the same order of scopes: no deadlock."""
    AttemptBudget.objects.bulk_create(
        [
            AttemptBudget(scope=scope, digest=digest, touched_at=now)
            for scope, digest in sorted(reserved.keys.items())
        ],
        ignore_conflicts=True,
    )
    return [
        _pruned(
            AttemptBudget.objects.select_for_update().get(scope=scope, digest=digest),
            now=now,
        )
        for scope, digest in sorted(reserved.keys.items())
    ]


def _pruned(budget: AttemptBudget, *, now: datetime) -> AttemptBudget:
    since = (now - LOCK_WINDOW).timestamp()
    budget.tries = {key: t for key, t in budget.tries.items() if t[0] > since}
    return budget


def _seconds_to_wait(budget: AttemptBudget, *, now: datetime) -> int:
    if budget.locked_until is not None and budget.locked_until > now:
        return ceil((budget.locked_until - now).total_seconds())
    limit = LIMITS[budget.scope]
    failures: list[float] = sorted(at for at, failed in budget.tries.values() if failed)
    if len(failures) < limit:
        return 0
    frees_at = failures[len(failures) - limit] + LOCK_WINDOW.total_seconds()
    return max(1, ceil(frees_at - now.timestamp()))


def _lock_if_exhausted(
    budget: AttemptBudget, user: User | None, *, now: datetime
) -> None:
    failures = sum(1 for _, failed in budget.tries.values() if failed)
    if budget.scope not in LOCKING or failures < LOCK_AFTER_FAILURES:
        return
    budget.locked_until = now + LOCK_PERIOD
    record(
        SECURITY_ALERT,
        target=_target(budget, user),
        subject_id=user.id if user is not None else None,
        details={
            "alert_type": "multiple_failed_auth",
            "failure_count": failures,
            "time_window_minutes": int(LOCK_WINDOW.total_seconds() // 60),
            "action_taken": f"{budget.scope}_locked",
        },
    )
    if user is not None and budget.scope == Scope.ACCOUNT:
        _tell_owner(user, failures)


def _tell_owner(user: User, failures: int) -> None:
    minutes = int(LOCK_PERIOD.total_seconds() // 60)
    notify_at_most(
        user,
        ACCOUNT_LOCKED,
        every=LOCK_NOTICE_PAUSE,
        facts={"failures": str(failures), "minutes": str(minutes)},
    )


def _target(budget: AttemptBudget, user: User | None) -> Target:
    if user is not None:
        return Target(type="accounts.user", id=str(user.id))
    return Target(type="accounts.unknown_name", id=bytes(budget.digest).hex()[:16])


def unlock_account(user: User) -> None:
    """Forget the account's failures: an administrator's decision, with evidence."""
    with transaction.atomic():
        record(
            ACCOUNT_UNLOCKED,
            target=Target(type="accounts.user", id=str(user.id)),
            subject_id=user.id,
        )
        forget_failures(user.id)


def forget_failures(user_id: UUID) -> int:
    """Delete the account's budgets; return how many there were."""
    return list_budgets(user_id).delete()[0]


def list_budgets(user_id: UUID) -> QuerySet[AttemptBudget, AttemptBudget]:
    """Return the budgets that count tries at this account."""
    return AttemptBudget.objects.filter(
        scope__in=LOCKING, digest__in=digests_of(user_id)
    )


def digests_of(user_id: UUID) -> list[bytes]:
    """Return the keys of the account's budgets: its own, and its devices'."""
    sessions = AuthSession.objects.filter(user_id=user_id).values_list("id", flat=True)
    devices = KnownDevice.objects.filter(user_id=user_id).values_list("id", flat=True)
    return [
        user_digest(user_id),
        *(_own_digest("session", each) for each in sessions),
        *(_own_digest("device", each) for each in devices),
    ]
