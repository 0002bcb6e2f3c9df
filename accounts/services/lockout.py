"""Failed sign-ins are counted before the password is looked at, not after.

A try reserves its place in three budgets (account, address, network) and only then may
be checked; a success gives the place back. Counting afterwards lets parallel guesses
through: all of them see a count that none has raised yet. The reserved places are rows
in PostgreSQL, so the count is one count for every process and outlives the cache.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from time import monotonic, sleep
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.constants import (
    ADDRESS_FAILURES,
    LOCK_AFTER_FAILURES,
    LOCK_PERIOD,
    LOCK_WINDOW,
    SUBNET_FAILURES,
)
from accounts.errors import AccountLocked
from accounts.events import ACCOUNT_UNLOCKED
from accounts.models import AttemptBudget, User
from accounts.names import fold_name
from auditlog.events import SECURITY_ALERT
from auditlog.services import Target, record
from chatsec.core.crypto import blind_index

Scope = AttemptBudget.Scope
LIMITS: Mapping[str, int] = {
    Scope.ACCOUNT: LOCK_AFTER_FAILURES,
    Scope.ADDRESS: ADDRESS_FAILURES,
    Scope.SUBNET: SUBNET_FAILURES,
}
# IPv6: a household or a server gets a /64, so it counts as one caller.
ADDRESS_PREFIX = {4: 32, 6: 64}
SUBNET_PREFIX = {4: 24, 6: 64}
# How long a try waits for places that checks under way may give back.
IN_FLIGHT_PATIENCE = timedelta(seconds=3)
IN_FLIGHT_PAUSE = timedelta(milliseconds=50)


@dataclass(slots=True)
class Attempt:
    """One try that may be checked. Without one, no password is compared."""

    account: bytes
    user: User | None
    keys: Mapping[str, bytes]
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

    Raises AccountLocked when there is none. A block that dies leaves its place taken:
    a crash is no free try.
    """
    now = now or timezone.now()
    account = account_digest(user, name)
    reserved = Attempt(account, user, _keys(account, ip))
    _reserve(reserved, now=now)
    try:
        yield reserved
    finally:
        _settle(reserved, now=now)


@contextmanager
def attempt_from(ip: str | None, *, now: datetime | None = None) -> Iterator[Attempt]:
    """Reserve a place for one check of somebody whom nobody has named yet.

    Only the address and its network are counted.
    """
    now = now or timezone.now()
    keys = _keys(b"", ip)
    del keys[Scope.ACCOUNT]
    reserved = Attempt(b"", None, keys)
    _reserve(reserved, now=now)
    try:
        yield reserved
    finally:
        _settle(reserved, now=now)


def _keys(account: bytes, ip: str | None) -> dict[str, bytes]:
    keys = {str(Scope.ACCOUNT): account}
    if ip is not None:
        keys[Scope.ADDRESS] = _network_digest(ip, ADDRESS_PREFIX)
        keys[Scope.SUBNET] = _network_digest(ip, SUBNET_PREFIX)
    return keys


def _network_digest(ip: str, prefixes: Mapping[int, int]) -> bytes:
    address = ipaddress.ip_address(ip)
    prefix = prefixes[address.version]
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    return blind_index("accounts.lockout", f"network:{network}")


def _reserve(reserved: Attempt, *, now: datetime) -> None:
    deadline = monotonic() + IN_FLIGHT_PATIENCE.total_seconds()
    while not _has_place(reserved, now=now):
        # All places are taken by checks that have not answered yet: the honest ones
        # give theirs back in a moment, the others lock the account.
        if monotonic() > deadline:
            raise AccountLocked(retry_after_seconds=1)
        sleep(IN_FLIGHT_PAUSE.total_seconds())


def _has_place(reserved: Attempt, *, now: datetime) -> bool:
    """Whether a place was reserved in each budget; raise AccountLocked at a limit."""
    with transaction.atomic():
        budgets = _locked_budgets(reserved, now=now)
        waits = [_seconds_to_wait(budget, now=now) for budget in budgets]
        if any(waits):
            raise AccountLocked(retry_after_seconds=max(waits))
        if any(len(each.tries) >= LIMITS[each.scope] for each in budgets):
            return False
        for budget in budgets:
            budget.tries[reserved.id] = [now.timestamp(), False]
            budget.touched_at = now
            budget.save(update_fields=["tries", "touched_at"])
    return True


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
    if budget.scope != Scope.ACCOUNT or failures < LOCK_AFTER_FAILURES:
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
            "action_taken": "account_locked",
        },
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
    """Delete the account's budget; return how many rows there were."""
    digest = user_digest(user_id)
    return AttemptBudget.objects.filter(scope=Scope.ACCOUNT, digest=digest).delete()[0]
