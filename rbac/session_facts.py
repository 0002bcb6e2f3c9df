"""The policy's stamps, read in the query that reads the session anyway."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Model, OuterRef, Subquery
from django.db.models.expressions import Combinable

from chatsec.core.context import Person
from rbac.models import PolicyStamp, UserStamp
from rbac.selectors import Stamp, keep_stamp

POLICY = "stamp_of_policy"
PERSON = "stamp_of_person"


class PolicyStamps:
    """Lets a request's checks cost no query of their own.

    The stamps are as old as the session's row, which is read first of all: a change
    that was committed before the request came is always seen.
    """

    def columns(self, user: str) -> Mapping[str, Combinable]:
        """Return the two stamps as columns beside a session."""
        of_person = UserStamp.objects.filter(user_id=OuterRef(user))
        return {
            POLICY: Subquery(PolicyStamp.objects.values("revision")[:1]),
            PERSON: Subquery(of_person.values("revision")[:1]),
        }

    def keep(self, user: Person, row: Model) -> None:
        """Tag the request's own user object with the stamps."""
        policy = getattr(row, POLICY, None)
        if policy is not None:
            keep_stamp(user, Stamp(policy, getattr(row, PERSON)))

    def privileges(self, row: Model) -> str:
        """Return the person's own stamp: it changes with each assignment."""
        return str(getattr(row, PERSON, None) or 0)
