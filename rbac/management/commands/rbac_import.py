"""Make the policy what a YAML file says, or show what that would change."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors import get_user_by_name_or_id
from accounts.services.factors import verify_code
from chatsec.core.context import SYSTEM, Actor, ActorKind, Channel
from chatsec.core.errors import DomainError
from rbac.services.documents import MAX_BYTES, PolicyDocument, read_document
from rbac.services.portability import import_policy


class Command(BaseCommand):
    """Imports all or nothing; importing what was exported changes nothing."""

    help = "Make roles and rules what the YAML file says; --dry-run only shows."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, and in whose name."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="Check and show, change nothing."
        )
        parser.add_argument(
            "--as",
            dest="username",
            help="Import as this administrator, within what he holds; asks for a code. "
            "Without it the system acts: whoever runs this owns the database anyway.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Show the changes, + new, - gone, ~ changed."""
        mode = "dry_run" if options["dry_run"] else "apply"
        try:
            document = _read(options["file"])
            actor = _actor(options["username"])
            lines = import_policy(actor, document=document, mode=mode)
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        for line in lines:
            self.stdout.write(line)
        self.stdout.write(_summary(lines, mode))


def _read(path: Path) -> PolicyDocument:
    try:
        with path.open("rb") as file:
            return read_document(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _actor(username: str | None) -> Actor:
    if username is None:
        return SYSTEM
    user = get_user_by_name_or_id(username)
    if not verify_code(user, getpass.getpass(f"Code of {user.username}: ").strip()):
        raise CommandError("Invalid verification code")
    return Actor(kind=ActorKind.USER, person=user, amr=("otp",), channel=Channel.SYSTEM)


def _summary(lines: list[str], mode: str) -> str:
    if not lines:
        return "Nothing to change."
    return "Nothing was changed." if mode == "dry_run" else "Imported."
