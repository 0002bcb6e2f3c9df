"""Who receives streams."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from auditlog.tests.streams.receiver import Receiver, receiving


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """Return a receiver on loopback that may be called."""
    with receiving() as found:
        settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({f"127.0.0.1:{found.port}"})
        yield found
