"""An engine that is down on purpose, for fault tests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from chatsec.embedded import keeper, locks, postgres, valkey
from chatsec.embedded.accounts import account_of
from chatsec.embedded.places import Place, locate

Engine = Literal["postgres", "valkey"]


@contextmanager
def outage(
    data_dir: Path, engine: Engine, *, durable: bool = True, crash: bool = False
) -> Iterator[None]:
    """Keep one engine down for the length of the block; it answers again afterwards.

    The start lock is held meanwhile, so that the keeper does not mend it.
    """
    place = locate(data_dir, durable=durable)
    with locks.held(keeper.start_lock(place)):
        _crash(place, engine) if crash else _stop(place, engine)
        try:
            yield
        finally:
            keeper.bring_up(place)


def _stop(place: Place, engine: Engine) -> None:
    if engine == "valkey":
        valkey.stop(place)
    else:
        postgres.stop(place, account_of(place))


def _crash(place: Place, engine: Engine) -> None:
    server = valkey if engine == "valkey" else postgres
    pid = server.pid_of(place)
    if pid:
        os.kill(pid, signal.SIGKILL)
    while server.pid_of(place):
        time.sleep(0.01)
