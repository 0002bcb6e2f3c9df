"""The people of the demo organisation, with secrets that nobody else has."""

from __future__ import annotations

import json
import os
from base64 import b32decode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP

from accounts.constants import TOTP_STEP_SECONDS
from accounts.models import TOTPFactor, User
from accounts.passwords import random_password
from accounts.selectors import find_user_by_login, list_totp_factors
from accounts.services import people
from accounts.services.factors import enrol_totp
from chatsec.core.context import SYSTEM
from rbac.models import Assignment
from rbac.services import assign_role

FILE_NAME = "demo.json"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """How to sign in as one of the demo people."""

    username: str
    password: str
    totp_secret: str | None
    roles: list[str]


@dataclass(frozen=True, slots=True)
class Person:
    """One of the demo people, as the business data knows them too."""

    username: str
    display_name: str
    role: str
    department: str
    region: str = ""
    team: str = ""
    manager: str = ""
    approval_limit: int | None = None
    has_totp: bool = False
    is_staff: bool = False


PEOPLE: Sequence[Person] = (
    Person(
        "alice",
        "Alice Morgan",
        "sales_manager",
        "Sales",
        region="north",
        team="north-1",
        approval_limit=1000,
    ),
    Person(
        "bob",
        "Bob Miller",
        "sales_rep",
        "Sales",
        region="north",
        team="north-1",
        manager="alice",
    ),
    Person(
        "carol",
        "Carol White",
        "hr_specialist",
        "Human Resources",
        region="south",
        team="human-resources-1",
        has_totp=True,
    ),
    Person(
        "dan",
        "Dan Fischer",
        "finance",
        "Finance",
        region="east",
        team="finance-1",
        has_totp=True,
    ),
    Person(
        "erin",
        "Erin Clarke",
        "employee",
        "Operations",
        region="west",
        team="operations-1",
    ),
    Person("admin", "Administrator", "admin", "IT", has_totp=True, is_staff=True),
)


def seed_people() -> list[DemoUser]:
    """Return the demo people, made if they are missing; a second run keeps them."""
    if settings.PRODUCTION:
        raise ImproperlyConfigured("The demo organisation is refused in production.")
    known = {user.username: user for user in load_people()}
    seeded = [_seed(person, known.get(person.username)) for person in PEOPLE]
    _write(seeded)
    return seeded


def load_people() -> list[DemoUser]:
    """Return what the demo file says; nothing when there is none."""
    try:
        document = json.loads(demo_file().read_text(encoding="utf-8"))
        return [DemoUser(**entry) for entry in document["users"]]
    except FileNotFoundError:
        return []


def demo_file() -> Path:
    """Return where the demo people's secrets are, readable by the owner only."""
    return settings.CHATSEC_DATA_DIR / FILE_NAME


def current_code(user: DemoUser) -> str | None:
    """Return the code that the person's authenticator app shows now."""
    if user.totp_secret is None:
        return None
    clock = TOTP(b32decode(user.totp_secret), step=TOTP_STEP_SECONDS)
    clock.time = timezone.now().timestamp()
    return f"{clock.token():06d}"


def _seed(person: Person, known: DemoUser | None) -> DemoUser:
    with transaction.atomic():
        user = find_user_by_login(person.username)
        password = known.password if known else random_password()
        if user is None:
            user = _create(person, password)
        elif known is None:
            # The file is gone and the account is not: nobody knows its password.
            people.set_password(user, password)
        secret = _totp_secret(user) if person.has_totp else None
        _give_role(user, person.role)
    return DemoUser(person.username, password, secret, [person.role])


def _create(person: Person, password: str) -> User:
    return people.create_user(
        person.username,
        password=password,
        email=f"{person.username}@demo.example",
        display_name=person.display_name,
        department=person.department,
        region=person.region,
        team=person.team,
        manager=find_user_by_login(person.manager) if person.manager else None,
        approval_limit=person.approval_limit,
        is_staff=person.is_staff,
    )


def _totp_secret(user: User) -> str:
    factor = list_totp_factors(user).first()
    if factor is None:
        factor = enrol_totp(user)
        # Nobody is there to type a first code in.
        TOTPFactor.objects.filter(id=factor.id).update(confirmed=True)
    return factor.secret_base32


def _give_role(user: User, role: str) -> None:
    if not Assignment.objects.filter(user=user, role__name=role).exists():
        assign_role(SYSTEM, user=user, role=role, reason="Demo organisation")


def _write(seeded: Sequence[DemoUser]) -> None:
    """Replace the file at once: a reader finds the old one or the new one."""
    document: Mapping[str, object] = {
        "users": [asdict(user) for user in seeded],
        "api_base": settings.CHATSEC_PUBLIC_URL,
    }
    path = demo_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # NamedTemporaryFile makes it readable by its owner only (0600).
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, delete=False
    ) as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
