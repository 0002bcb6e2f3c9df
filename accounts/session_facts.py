"""What rides along in the query that reads a session: a door for the layers above.

Settings name the rider. Without it, every request would ask one more question of the
database just to learn that nothing has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from django.db.models.expressions import Combinable
from django.utils.module_loading import import_string

from accounts.models import User

RowT = TypeVar("RowT", bound=Model)


class SessionFacts(Protocol):
    """Columns to read beside a session, and where to keep them."""

    def columns(self, user: str) -> Mapping[str, Combinable]:
        """Return the expressions, over the path `user` to the user's id."""
        ...

    def keep(self, user: User, row: Model) -> None:
        """Keep what `row` brought along, for as long as this object lives."""
        ...

    def privileges(self, row: Model) -> str:
        """Return what is different after the person was given or lost something."""
        ...


@lru_cache(maxsize=1)
def _rider() -> SessionFacts:
    rider: SessionFacts = import_string(settings.CHATSEC_SESSION_FACTS)()
    return rider


def with_session_facts(rows: QuerySet[RowT], *, user: str) -> QuerySet[RowT]:
    """Return the rows with the rider's columns; `user` is the path to the user's id."""
    riding: QuerySet[RowT] = rows.annotate(**_rider().columns(user))
    return riding


def keep_session_facts(user: User, row: Model) -> None:
    """Hand the columns that `row` brought to their rider."""
    _rider().keep(user, row)


def privileges_of(row: Model) -> str:
    """Return a mark that changes when the person's privileges do."""
    return _rider().privileges(row)
