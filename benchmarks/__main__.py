"""Run every measurement in this package, or those named: `python -m benchmarks pii`."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys

import benchmarks
from benchmarks.measure import say

SUPPORT = {
    "__main__",
    "audit_rows",
    "audit_saves",
    "authorization_engines",
    "beside_auditlog",
    "authorization_workload",
    "environment",
    "measure",
    "own_engines",
    "server_seconds",
}


def main() -> None:
    """Run the modules in a process each would expect: Django set up, engines on."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsec.settings")
    known = {found.name for found in pkgutil.iter_modules(benchmarks.__path__)}
    known -= SUPPORT
    wanted = sys.argv[1:] or sorted(known)
    if unknown := set(wanted) - known:
        sys.exit(f"No such measurement: {', '.join(sorted(unknown))}")
    for name in wanted:
        say(f"== {name}")
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
