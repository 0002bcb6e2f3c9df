"""Keys are not kept from test to test; exports lie in a directory of their own."""

from __future__ import annotations

import pytest

from privacy.services import keys


@pytest.fixture(autouse=True)
def _own_state(tmp_path, settings):
    keys.forget_cached_keys()
    settings.CHATSEC_DATA_DIR = tmp_path
