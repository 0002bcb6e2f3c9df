"""Writes events until told to stop; prints the id of each once it is acknowledged."""

from __future__ import annotations

import os
import sys
import time

import django
from django.db import Error, connection

PATIENCE_SECONDS = 60


def main(count: int) -> None:
    """Have `count` events acknowledged, through however many outages."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsec.settings")
    django.setup()
    from auditlog import events
    from auditlog.services import record

    gives_up_at = time.monotonic() + PATIENCE_SECONDS
    acknowledged = 0
    while acknowledged < count and time.monotonic() < gives_up_at:
        try:
            event_id = record(events.DATA_ACCESS, details={"action": "read"})
        except Error:
            connection.close()
            time.sleep(0.05)
            continue
        acknowledged += 1
        sys.stdout.write(f"{event_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
