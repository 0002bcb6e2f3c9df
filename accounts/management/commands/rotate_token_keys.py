"""Give access tokens a new signing key, without refusing one that is out there."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.constants import ACCESS_TOKEN_LIFE, CLOCK_SKEW
from accounts.views.well_known import KEYS_MAX_AGE_SECONDS
from chatsec import installation

NAME = "CHATSEC_TOKEN_KEYS"
# Clients may keep the key set this long, and processes are started again meanwhile.
LEAST_MINUTES = KEYS_MAX_AGE_SECONDS // 60 + 1
# The clocks of two machines may be this far apart.
LEEWAY = timedelta(minutes=1) + CLOCK_SKEW


class Command(BaseCommand):
    """Makes the next signing key; processes start again before it signs."""

    help = "Make a new key for access tokens, which signs after some minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take when the new key begins to sign."""
        parser.add_argument("--minutes", type=int, default=15)

    def handle(self, *_args: object, **options: int) -> None:
        """Write the keys into the generated secrets, or print the variable's value."""
        if options["minutes"] < LEAST_MINUTES:
            raise CommandError(
                f"At least {LEAST_MINUTES} minutes: clients keep the old key set."
            )
        now = timezone.now()
        signs_at = now + timedelta(minutes=options["minutes"])
        given = os.environ.get(NAME, "")
        keys = installation.next_token_keys(
            given or installation.read_kept(settings.CHATSEC_DATA_DIR, NAME),
            signs_from=int(signs_at.timestamp()),
            overlap=int((ACCESS_TOKEN_LIFE + LEEWAY).total_seconds()),
            now=int(now.timestamp()),
        )
        if given:
            self.stdout.write(f"{NAME}={keys}")
        else:
            installation.replace_kept(settings.CHATSEC_DATA_DIR, NAME, keys)
        self.stderr.write(_next_steps(signs_at, is_written=not given))


def _next_steps(signs_at: datetime, *, is_written: bool) -> str:
    at = signs_at.astimezone(UTC).strftime("%H:%M:%S UTC")
    put = "" if is_written else f"Set {NAME} to this value. "
    return f"{put}Start every process again before {at}: then the new key signs."
