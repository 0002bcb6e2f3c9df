"""Print the data map."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from chatsec.core import personal_data


class Command(BaseCommand):
    """Shows what is held on people, why and for how long, and what is exempt."""

    help = "Print what every app holds on a person, and what is exempt and why."

    def handle(self, **_options: object) -> None:
        """Print one line a model."""
        for each in sorted(personal_data.declarations(), key=lambda each: each.model):
            self.stdout.write(f"{each.model}  [{each.part}]  {each.holds}")
            kept = each.retention or "as long as the account"
            self.stdout.write(f"    for: {', '.join(each.purposes)}; kept: {kept}")
            erased = "yes" if each.erase else f"no: {each.keep_reason}"
            self.stdout.write(f"    erased on request: {erased}")
        self.stdout.write("\nNot personal:")
        for model, reason in sorted(personal_data.exemptions().items()):
            self.stdout.write(f"{model}  {reason}")
