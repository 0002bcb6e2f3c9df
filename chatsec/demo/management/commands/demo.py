"""`manage.py demo`: fill an empty installation with the demo organisation."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatsec.demo.business import seed_business
from chatsec.demo.catalogue import seed_catalogue
from chatsec.demo.people import seed_people


class Command(BaseCommand):
    """Seeds people, business data and the catalogue; a second run changes nothing."""

    help = "Fill the installation with the demo organisation (not in production)."

    def handle(self, *args: object, **options: object) -> None:
        """Seed, in the order in which the parts need each other."""
        if settings.PRODUCTION:
            raise CommandError("The demo organisation is refused in production.")
        seed_business(settings.BUSINESS_OWNER_DATABASE_URL)
        people = seed_people()
        seed_catalogue()
        names = ", ".join(person.username for person in people)
        self.stdout.write(f"Demo organisation ready: {names}.")
