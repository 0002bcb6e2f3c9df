"""Accounts of programs: made, changed and closed here."""

from __future__ import annotations

from typing import TypedDict, Unpack
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import events
from accounts.models import ServiceAccount, User
from accounts.services import people
from auditlog.services import Target, record
from chatsec.core.errors import Invalid

# RFC 2606: nobody ever has an address there.
NO_MAIL = "service.invalid"


class Declared(TypedDict, total=False):
    """What is declared of a program."""

    purpose: str
    responsible: User | None
    expected_queries_per_day: int | None


def create_service_account(
    username: str, **declared: Unpack[Declared]
) -> ServiceAccount:
    """Return the account of a program: no password, no factor, no sign-in, ever."""
    with transaction.atomic():
        user = people.create_user(
            username, password=None, email=f"{uuid4().hex}@{NO_MAIL}"
        )
        user.is_service = True
        user.save(update_fields=["is_service"])
        account = ServiceAccount(user=user, **declared)
        _check(account)
        account.save(force_insert=True)
        record(
            events.SERVICE_ACCOUNT_MADE,
            target=target_of(account),
            subject_id=user.id,
            details={"expected_queries_per_day": account.expected_queries_per_day},
        )
    return account


def update_service_account(
    account: ServiceAccount, **declared: Unpack[Declared]
) -> ServiceAccount:
    """Change what is declared of the program, with evidence."""
    changed = sorted(n for n, value in declared.items() if getattr(account, n) != value)
    if not changed:
        return account
    for name, value in declared.items():
        setattr(account, name, value)
    _check(account)
    with transaction.atomic():
        account.save(update_fields=changed)
        record(
            events.SERVICE_ACCOUNT_CHANGED,
            target=target_of(account),
            subject_id=account.user_id,
            details={
                "columns": list(changed),
                "expected_queries_per_day": account.expected_queries_per_day,
            },
        )
    return account


def target_of(account: ServiceAccount) -> Target:
    """Return the program's account as the target of an event."""
    return Target(type="accounts.user", id=str(account.user_id))


def _check(account: ServiceAccount) -> None:
    responsible = account.responsible
    wrong: dict[str, list[str]] = {}
    try:
        account.full_clean(exclude=("user", "responsible"), validate_unique=False)
    except ValidationError as error:
        wrong = {name: list(texts) for name, texts in error.message_dict.items()}
    if responsible is None or responsible.is_service or not responsible.is_active:
        wrong["responsible"] = ["Somebody with an open account answers for a program."]
    if wrong:
        raise Invalid("Some fields are not valid.", fields=wrong)
