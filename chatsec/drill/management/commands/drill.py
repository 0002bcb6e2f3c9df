"""`manage.py drill`: try the detection rules on activity whose truth is known."""

from __future__ import annotations

import sys
from subprocess import CalledProcessError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsec.drill import separate
from chatsec.drill.__main__ import main, parser


class Command(BaseCommand):
    """Makes scenarios, plays them, and compares what the rules find with the labels."""

    help = "Try the detection rules on labelled activity (not in production)."

    def add_arguments(self, given: CommandParser) -> None:
        """Take what `python -m chatsec.drill` takes."""
        parser(given)

    def handle(self, *args: object, **options: object) -> None:
        """Make scenarios here; play them in a process with engines of its own."""
        if settings.PRODUCTION:
            raise CommandError("Drills are refused in production.")
        arguments = sys.argv[2:]
        if options["what"] == "generate":
            main(arguments)
            return
        try:
            self.stdout.write(separate.run(arguments))
        except CalledProcessError as error:
            text = "The drill did not come to its end."
            raise CommandError(text, returncode=error.returncode) from error
