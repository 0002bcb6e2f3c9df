"""Shelves for the cast."""

from __future__ import annotations

import pytest

from rbac.tests.shelves import collection_model


@pytest.fixture
def collections(db):
    """Return three collections besides those of the migration."""
    model = collection_model()
    return [model.objects.create(name=f"Shelf {number}") for number in range(3)]


@pytest.fixture
def shelf(collections):
    """Return one of them."""
    return collections[0]
