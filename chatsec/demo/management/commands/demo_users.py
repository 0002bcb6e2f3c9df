"""`manage.py demo_users`: how to sign in as the demo people."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatsec.demo.people import current_code, load_people


class Command(BaseCommand):
    """Prints names, passwords and the codes that their apps show now."""

    help = "Show names, passwords and current codes of the demo organisation."

    def handle(self, *args: object, **options: object) -> None:
        """Print one line a person."""
        if settings.PRODUCTION:
            raise CommandError("There is no demo organisation in production.")
        people = load_people()
        if not people:
            raise CommandError("There is no demo organisation yet: run `make run`.")
        wide = max(len(person.password) for person in people)
        self.stdout.write(f"{'user':<8}{'password':<{wide}}  {'code':<8}roles")
        for person in people:
            code = current_code(person) or "-"
            roles = ", ".join(person.roles)
            self.stdout.write(
                f"{person.username:<8}{person.password:<{wide}}  {code:<8}{roles}"
            )
