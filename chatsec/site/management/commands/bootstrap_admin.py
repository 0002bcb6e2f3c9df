"""`manage.py bootstrap_admin`: the first administrator of an installation."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.models import TOTPFactor
from accounts.passwords import random_password
from accounts.services import people
from accounts.services.factors import enrol_totp
from chatsec.core.context import SYSTEM
from chatsec.core.errors import DomainError
from rbac.models import Assignment
from rbac.services import assign_role

ROLE = "admin"


class Command(BaseCommand):
    """Makes an administrator with an authenticator app; prints the secrets once."""

    help = "Make the first administrator. Password and app key are shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name and address."""
        parser.add_argument("username")
        parser.add_argument("email")

    def handle(self, *args: object, **options: object) -> None:
        """Make the account, its factor and its role, or nothing at all."""
        if Assignment.objects.filter(role__name=ROLE).exists():
            raise CommandError("There is an administrator already.")
        password = random_password()
        try:
            with transaction.atomic():
                factor = _make(
                    str(options["username"]), str(options["email"]), password
                )
        except DomainError as refusal:
            details = "; ".join(m for texts in refusal.fields.values() for m in texts)
            raise CommandError(f"{refusal.message} {details}".strip()) from refusal
        self.stdout.write("This is shown once:")
        self.stdout.write(f"  password  {password}")
        self.stdout.write(f"  app key   {factor.secret_base32}")
        self.stdout.write(f"  app link  {factor.provisioning_uri()}")


def _make(username: str, email: str, password: str) -> TOTPFactor:
    user = people.create_user(username, password=password, email=email, is_staff=True)
    factor = enrol_totp(user)
    # Whoever reads the terminal takes the key over; there is nobody to confirm it.
    TOTPFactor.objects.filter(id=factor.id).update(confirmed=True)
    assign_role(SYSTEM, user=user, role=ROLE, reason="First administrator")
    return factor
