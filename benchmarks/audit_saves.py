"""Saves with and without events, as several measurements compare them.

A plain save is measured on our database engine and on Django's own, which a project
without evidence would use; the ratios to both are told.
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Final, Literal, cast

from benchmarks import own_engines
from benchmarks.measure import interleaved, say
from chatsec.core.errors import Json

DJANGOS: Final = "save(), Django's own engine"
OURS: Final = "save()"
# The least that any evidence in the same transaction can cost: a row of this size,
# known beforehand, into a table without index, check or partition.
BARE: Final = "save() + a bare INSERT as long"
ONE: Final = "save() + 1 event"
SEVERAL: Final = "save() + 5 events"
ROUNDS: Final = 100
# On new connections each time: where on the machine a server process comes to run
# decides more than what is compared.
CONNECTIONS: Final = 8
Contenders = dict[str, Callable[[], None]]
Samples = dict[str, list[float]]
DETAILS: Final[dict[str, Json]] = {
    "resource_ids": ["sale_789", "sale_790"],
    "action": "update",
    "reason": "the customer asked for another delivery date",
}


@contextmanager
def prepared() -> Iterator[Contenders]:
    """Give what is compared, on new engines and as in the middle of a request."""
    own_engines.prepare()
    from django.db import connections

    from chatsec.core import context
    from chatsec.core.context import RequestContext

    # The same database, reached as by a project without chatsec.
    engine = {"ENGINE": "django.db.backends.postgresql"}
    connections.databases[DJANGOS] = {**connections.databases["default"], **engine}
    somewhere = RequestContext(ip="192.0.2.7", user_agent="Mozilla/5.0 Firefox/140.0")
    with context.bound(somewhere):
        yield _contenders()


def measured(
    contenders: Contenders,
    *,
    commit: Literal["on", "off"] = "on",
    rounds: int = ROUNDS,
    pairs: int = CONNECTIONS,
) -> list[Samples]:
    """Return nanoseconds of each contender, for each pair of connections."""
    taken = []
    for _ in range(pairs):
        _connect_anew(commit)
        taken.append(interleaved(contenders, rounds=rounds))
    return taken


def pooled(taken: list[Samples], *names: str) -> Samples:
    """Return the samples of all connections together, of all or of those named."""
    return {
        name: [ns for each in taken for ns in each[name]] for name in names or taken[0]
    }


def say_spread(taken: list[Samples], *, to: str) -> None:
    """Say by how much the ratio of one event differs between the connections."""
    ratios = sorted(median(each[ONE]) / median(each[to]) for each in taken)
    said = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    say(f"  {ONE}, on {len(taken)} pairs of connections: x {said}")


def _connect_anew(commit: str) -> None:
    from django.db import connections

    for alias in ("default", DJANGOS):
        connections[alias].close()
        with connections[alias].cursor() as cursor:
            wait = "SELECT set_config('synchronous_commit', %s, false)"
            cursor.execute(wait, [commit])


def _contenders() -> Contenders:
    from auditlog import events
    from auditlog.services import Target, record
    from auditlog.tests.factories import make_actor

    plain, actor = _make_row(), make_actor()
    target = Target("sales_records", 4711)

    def bare() -> None:
        record(events.DATA_ACCESS, actor=actor, target=target, result_count=2)

    def detailed() -> None:
        record(
            events.DATA_ACCESS,
            actor=actor,
            target=target,
            result_count=2,
            details=DETAILS,
        )

    return {
        DJANGOS: _saving(plain, using=DJANGOS),
        OURS: _saving(plain),
        BARE: _saving(plain, _bare_insert(actor, target)),
        "save() + 1 event without details": _saving(plain, bare),
        ONE: _saving(plain, detailed),
        SEVERAL: _saving(plain, *[detailed] * 5),
    }


def _bare_insert(actor: Any, target: Any) -> Callable[[], None]:
    """Return what has such a row written along with the commit."""
    from django.db import connection, connections
    from django.utils import timezone

    from auditlog import events
    from auditlog.services.row_sql import row_as_sql
    from auditlog.services.rows import build_row
    from chatsec.core.postgresql.base import DatabaseWrapper

    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE benchmark_bare (LIKE auditlog_event)")
        for column in ("xid", "epoch"):
            cursor.execute(f"ALTER TABLE benchmark_bare ALTER {column} DROP NOT NULL")
        cursor.execute("GRANT INSERT ON benchmark_bare TO PUBLIC")
    said: Any = {"actor": actor, "target": target, "details": DETAILS}
    texts: list[str] = []
    row = build_row(events.DATA_ACCESS, said, occurred_at=timezone.now())
    names, values = ", ".join(row._fields), row_as_sql(row, texts)
    insert = f"INSERT INTO benchmark_bare ({names}) VALUES {values}"  # noqa: S608 - our own names

    class Bare:
        """A row that waits for the commit like an event."""

        table = "benchmark_bare"

        def __bool__(self) -> bool:
            return True

        def write(self, *, and_then: str = "") -> None:
            self.drop()
            with connection.cursor() as cursor:
                cursor.execute(f"{insert}; {and_then}", texts)

        def drop(self) -> None:
            cast("DatabaseWrapper", connections["default"]).waiting = None

    def wait() -> None:
        cast("DatabaseWrapper", connections["default"]).waiting = Bare()

    return wait


def _saving(
    row: Any, *then: Callable[[], None], using: str = "default"
) -> Callable[[], None]:
    from django.db import transaction

    def save() -> None:
        with transaction.atomic(using=using):
            row.count += 1
            row.save(using=using)
            for each in then:
                each()

    return save


def _make_row() -> Any:
    from django.utils import timezone

    from auditlog.models import Alert

    now = timezone.now()
    return Alert.objects.create(
        rule="benchmark",
        fingerprint=os.urandom(32).hex(),
        actor_pseudonym="00000000-0000-7000-8000-000000000000",
        first_at=now,
        last_at=now,
        count=1,
        created_at=now,
    )
