"""Print the policy as YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from rbac.services.portability import export_text


class Command(BaseCommand):
    """Writes roles, grants, inheritance and separation of duties, always in order."""

    help = "Print roles, grants, inheritance and separation of duties as YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to include and where to."""
        parser.add_argument(
            "--assignments",
            action="store_true",
            help="Include who has which role, by user name.",
        )
        parser.add_argument("--output", type=Path, help="A file instead of the screen.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the document."""
        kind = "with" if options["assignments"] else "without"
        text = export_text(assignments=kind)
        if options["output"] is None:
            self.stdout.write(text, ending="")
            return
        options["output"].write_text(text, encoding="utf-8")
