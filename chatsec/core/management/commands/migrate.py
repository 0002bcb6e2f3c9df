"""Migrate as the owner, then give the application role its rights."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as Migrate

from chatsec.core.grants import grant_application_role


class Command(Migrate):
    """Django's migrate, run by the role that owns the tables."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Make the owner's connection the one that migrations use."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then grant."""
        super().handle(*args, **options)
        grant_application_role(options["database"])
