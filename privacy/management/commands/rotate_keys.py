"""Wrap every subject's key under the newest key-encryption epoch."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from privacy.services import keys


class Command(BaseCommand):
    """Rewraps in batches; stop it at any time and run it again."""

    help = "Rewrap all subject keys under the newest key-encryption key (resumable)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Accept the size of a batch."""
        parser.add_argument("--batch", type=int, default=keys.REWRAP_BATCH)

    def handle(self, *, batch: int, **_options: object) -> None:
        """Rewrap until nothing of an older epoch is left."""
        total = keys.count_older_epochs()
        done = 0
        while count := keys.rewrap_batch(limit=batch):
            done += count
            self.stdout.write(f"{done} of {total} keys rewrapped")
        # Keys that somebody was destroying just now were skipped.
        if left := keys.count_older_epochs():
            raise CommandError(f"{left} keys were locked; run it again")
        self.stdout.write(f"All keys are under epoch {keys.newest_epoch()}.")
