from __future__ import annotations

import pytest

from accounts.tests.oauth.app import App, register, register_site


@pytest.fixture
def phone(db):
    """A public app on a device, with a loopback address."""
    return App(*register())


@pytest.fixture
def site(db):
    """A confidential app on a server."""
    return App(*register_site())
