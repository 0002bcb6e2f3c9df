"""Real accounts for the people of a scenario, made as the demo organisation's are."""

from __future__ import annotations

from base64 import b32decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django_otp.oath import TOTP

from accounts.models import ServiceAccount, TOTPFactor, User
from accounts.passwords import random_password
from accounts.services.api_keys import KeyTerms, make_service_key
from accounts.services.factors import enrol_totp
from accounts.services.people import create_user
from accounts.services.service_accounts import create_service_account
from accounts.services.sessions import record_step_up, start_session
from chatsec.core.context import SYSTEM
from chatsec.core.crypto import subject_keys
from chatsec.drill.model import Person
from rbac.models import Assignment
from rbac.services import assign_role

REASON: Final = "Drill of the detection rules"
# The scopes of a program's key: what it may read.
SCOPES: Final = ("read_sales", "read_sales_detail")


@dataclass(slots=True)
class Account:
    """The account behind a person of the scenario, and how to sign in to it."""

    person: Person
    user: User
    pseudonym: UUID
    password: str | None = None
    secret: str | None = None
    key: str | None = None

    def code(self) -> str:
        """Return what the person's authenticator app shows now."""
        clock = TOTP(b32decode(self.secret or ""))
        clock.time = timezone.now().timestamp()
        return f"{clock.token():06d}"


def hire(people: Iterable[Person], *, can_sign_in: bool) -> list[Account]:
    """Return an account for each, with his role; in bulk nobody needs a password."""
    if settings.PRODUCTION:
        raise ImproperlyConfigured("Drills are refused in production.")
    found = sorted(people, key=lambda person: person.is_program)
    responsible: User | None = None
    accounts: dict[int, Account] = {}
    for person in found:
        if person.is_program:
            accounts[person.index] = _program(person, responsible)
            continue
        accounts[person.index] = _human(person, can_sign_in=can_sign_in)
        responsible = responsible or accounts[person.index].user
    return [accounts[index] for index in sorted(accounts)]


def give_keys(accounts: Sequence[Account]) -> None:
    """Give each program a key that works from everywhere, by an administrator."""
    maker = next(each.user for each in accounts if each.person.role == "admin")
    for account in accounts:
        if not account.person.is_program:
            continue
        # Made in a session of his own each time: the proof in it is fresh.
        session = start_session(maker, kind="token", amr=("pwd", "otp", "mfa"))
        record_step_up(session)
        terms = KeyTerms(account.person.name, SCOPES, messages_per_minute=600)
        program = ServiceAccount.objects.get(user=account.user)
        account.key = make_service_key(session, program, terms).text


def _human(person: Person, *, can_sign_in: bool) -> Account:
    password = random_password() if can_sign_in else None
    user = create_user(
        person.name,
        password=password,
        email=f"{person.name}@demo.example",
        display_name=person.name,
        department=person.department,
        region="north",
        team="north-1",
        approval_limit=1000,
    )
    secret = _secret(user) if can_sign_in and person.has_totp else None
    _assign(user, person)
    return Account(person, user, subject_keys().pseudonym(user.id), password, secret)


def _program(person: Person, responsible: User | None) -> Account:
    made = create_service_account(
        person.name,
        purpose="A program of the drill",
        responsible=responsible,
        expected_queries_per_day=person.declared,
    )
    _assign(made.user, person)
    return Account(person, made.user, subject_keys().pseudonym(made.user_id))


def _assign(user: User, person: Person) -> None:
    if not Assignment.objects.filter(user=user, role__name=person.role).exists():
        assign_role(SYSTEM, user=user, role=person.role, reason=REASON)


def _secret(user: User) -> str:
    factor = enrol_totp(user)
    # Nobody is there to type a first code in.
    TOTPFactor.objects.filter(id=factor.id).update(confirmed=True)
    return factor.secret_base32
