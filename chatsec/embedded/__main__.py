"""``python -m chatsec.embedded status|stop [DATA_DIR]``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from chatsec.embedded import keeper, locks, postgres, valkey
from chatsec.embedded.errors import EngineError
from chatsec.embedded.places import Place, locate


def main() -> int:
    """Carry out one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m chatsec.embedded")
    parser.add_argument("command", choices=["status", "stop", "keep"])
    default = os.environ.get("CHATSEC_DATA_DIR", ".data")
    parser.add_argument("data_dir", nargs="?", type=Path, default=default)
    parser.add_argument("kind", nargs="?", choices=["durable", "test"])
    given = parser.parse_args()
    kinds = [given.kind] if given.kind else ["durable", "test"]
    places = [
        locate(given.data_dir, durable=kind == "durable")
        for kind in kinds
        if given.command == "keep" or (given.data_dir / _part(kind)).is_file()
    ]
    commands = {"status": _status, "stop": _stop, "keep": _keep}
    return max((commands[given.command](place) for place in places), default=0)


def _part(kind: str) -> str:
    return "credentials.json" if kind == "durable" else "test/credentials.json"


def _keep(place: Place) -> int:
    keeper.keep(place)
    return 0


def _status(place: Place) -> int:
    for name, pid in (
        ("postgresql", postgres.pid_of(place)),
        ("valkey", valkey.pid_of(place)),
    ):
        state = f"running, pid {pid}" if pid else "stopped"
        sys.stdout.write(f"{place.home} {name}: {state}\n")
    return 0


def _stop(place: Place) -> int:
    leash = locks.open_lock(keeper.leash_path(place))
    if not locks.try_take(leash, "exclusive"):
        if locks.try_take(leash, "shared"):
            sys.stderr.write(f"{place.home}: in use; end what uses it first\n")
            return 1
        locks.take(leash, "exclusive")  # the keeper is stopping them already
    keeper.bring_down(place)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EngineError as error:
        sys.exit(str(error))
