"""Say whether somebody may do something, and why."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from accounts.selectors import get_user_by_name_or_id
from chatsec.core.context import AttributeValue
from chatsec.core.errors import DomainError
from rbac.policy.roles import bare_code, is_code_or_pattern, is_pattern
from rbac.services import as_actor, decide

WORDS: dict[str, AttributeValue] = {"true": True, "false": False, "null": None}


class Command(BaseCommand):
    """Explains a decision as the server would take it."""

    help = "Say whether USER has PERMISSION, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the question."""
        parser.add_argument("user", help="A user name or id.")
        parser.add_argument("permission", help="A code like read_sales.")
        parser.add_argument(
            "--resource",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="An attribute of the row; again for each. 'text' is always a text.",
        )
        parser.add_argument("--at", help="A moment with a zone, in ISO 8601.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the outcome, the roles and the reasons."""
        code = bare_code(options["permission"])
        if not is_code_or_pattern(code) or is_pattern(code):
            raise CommandError(f"{options['permission']!r} is no permission code.")
        try:
            user = get_user_by_name_or_id(options["user"])
            decision = decide(
                as_actor(user),
                code,
                resource=_attributes(options["resource"]),
                at=_moment(options["at"]),
            )
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(f"{decision.outcome} {decision.permission}")
        self.stdout.write(f"roles: {', '.join(decision.roles) or '-'}")
        for reason in decision.reasons:
            chain = f" ({' > '.join(reason.path)})" if len(reason.path) > 1 else ""
            self.stdout.write(f"- {reason.text}{chain}")


def _attributes(pairs: list[str]) -> dict[str, AttributeValue] | None:
    found: dict[str, AttributeValue] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name.isidentifier():
            raise CommandError(f"--resource {pair!r}: NAME=VALUE is needed.")
        found[name] = _value(text)
    return found or None


def _value(text: str) -> AttributeValue:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    if text in WORDS:
        return WORDS[text]
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"--at {text!r}: a moment with a zone, in ISO 8601.")
    return moment
