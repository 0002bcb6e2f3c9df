"""Print a proof that an event is in the audit log."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlog.services.proving import prove_event
from chatsec.core.errors import DomainError


class Command(BaseCommand):
    """Prints what `auditlog/check_proof.py` checks without chatsec."""

    help = "Print the proof of EVENT as JSON, for auditlog/check_proof.py."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the event's id."""
        parser.add_argument("event", type=UUID)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the proof."""
        try:
            proof = prove_event(options["event"])
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(json.dumps(proof, indent=1))
