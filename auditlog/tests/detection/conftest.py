"""What several tests of detection begin with."""

from __future__ import annotations

from uuid import UUID

import pytest

from auditlog.tests.detection.strangers import settle


@pytest.fixture
def owner() -> UUID:
    """Return somebody who has used the home network for long, and yesterday."""
    return settle()
