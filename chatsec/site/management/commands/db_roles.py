"""`manage.py db_roles`: the SQL that an external PostgreSQL needs before `migrate`."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from chatsec.embedded import sql_for_roles
from chatsec.embedded.roles import Databases


class Command(BaseCommand):
    """Prints the roles, databases and connection rights, for psql as a superuser."""

    help = "Print the SQL of chatsec's database roles, for psql as a superuser."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take other names for the databases."""
        parser.add_argument("--database", default=Databases.own)
        parser.add_argument("--business-database", default=Databases.business)

    def handle(self, *args: object, **options: str) -> None:
        """Print the text; nothing is executed."""
        try:
            names = Databases(options["database"], options["business_database"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(sql_for_roles(names))
        self.stdout.write(
            "-- `manage.py migrate` (as chatsec_owner) grants the rights on tables."
        )
