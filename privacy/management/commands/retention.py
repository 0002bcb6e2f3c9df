"""Delete, or only count, what is past its retention."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from privacy.services.retention import run_retention


class Command(BaseCommand):
    """Applies every retention policy now; beat does it daily."""

    help = "Apply the retention policies (with --dry-run: count, delete nothing)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Accept --dry-run."""
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *, dry_run: bool, **_options: object) -> None:
        """Print one line a model; fail when any model failed."""
        run = run_retention(dry_run=dry_run)
        verb = "would go" if dry_run else "deleted"
        for model, count in sorted(run.counts.items()):
            shown = "unknown" if count is None else count
            self.stdout.write(f"{model}: {shown} {verb}")
        self.stdout.write(f"Held subjects: {run.held_subjects}")
        if run.failures:
            failed = ", ".join(f"{m} ({why})" for m, why in run.failures.items())
            raise CommandError(f"not done: {failed}")
