from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from auditlog.tests.incidents.receiver import Receiver, listening


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    with listening() as receiver:
        settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({receiver.entry})
        yield receiver
