"""Events that wait on this machine's disk: how many, and into the log with them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from auditlog.selectors import dead_records, spooled_records
from auditlog.services.replaying import Replayed, replay_spool, retry_dead


class Command(BaseCommand):
    """Says how many events wait on this machine, and writes them if asked to."""

    help = "Say how many audit events wait on disk; with --replay write them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what is to be written."""
        parser.add_argument("--replay", action="store_true", help="write what waits")
        parser.add_argument(
            "--retry-dead", action="store_true", help="try what was put aside again"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write what was asked for, then say what is left."""
        try:
            if options["replay"]:
                self._say(replay_spool())
            if options["retry_dead"]:
                self._say(retry_dead())
        except OperationalError as error:
            raise CommandError("The database does not take them yet.") from error
        waiting, dead = spooled_records(), dead_records()
        self.stdout.write(f"{waiting} events wait, {dead} were put aside.")

    def _say(self, done: Replayed) -> None:
        self.stdout.write(
            f"{done.written} written, {done.known} were known,"
            f" {done.put_aside} put aside."
        )
