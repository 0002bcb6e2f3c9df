"""Who is told of incidents, and one about alice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from auditlog.models import Incident
from auditlog.tests.incidents.factories import make_incident
from auditlog.tests.incidents.receiver import Receiver, listening


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """Return a receiver on loopback that may be called."""
    with listening() as receiver:
        settings.CHATSEC_OUTBOUND_ALLOWED = frozenset({receiver.entry})
        yield receiver


@pytest.fixture
def incident(alice: Any) -> Incident:
    """Return an incident about alice."""
    return make_incident(alice.id)
