"""The settings of an installation behind TLS, as the settings module makes them."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

SETTINGS = Path(__file__).parents[2] / "chatsec" / "settings.py"
# What a test has of its own, whatever the transport.
OF_THE_TESTS = {"DATABASES", "CACHES"}


def behind_tls(settings: Any) -> None:
    """Give the test the settings that differ once `CHATSEC_TLS` is on."""
    before = os.environ.get("CHATSEC_TLS")
    os.environ["CHATSEC_TLS"] = "true"
    try:
        made = runpy.run_path(str(SETTINGS))
    finally:
        os.environ.pop("CHATSEC_TLS")
        if before is not None:
            os.environ["CHATSEC_TLS"] = before
    for name, value in made.items():
        if not name.isupper() or name in OF_THE_TESTS:
            continue
        if getattr(settings, name, None) != value:
            setattr(settings, name, value)
