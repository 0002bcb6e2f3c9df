"""Databases of drills: one for each process, none left behind."""

import os
import subprocess
import sys

import pytest
from django.core.cache import cache, caches
from django.db import connections

from chatsec.drill import arena
from tests import database

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "owner", "retention"]
)


@pytest.fixture(autouse=True)
def _test_server(monkeypatch):
    monkeypatch.setattr(arena, "COPIES", database.COPIES)
    monkeypatch.setitem(caches.settings["default"], "KEY_PREFIX", "drill-tests")
    yield
    for name in database.COPIES.names():
        if name.startswith("chatsec_drill_"):
            database.COPIES.drop(name)


def test_a_copy_is_this_process_own_and_gone_afterwards():
    with arena.copy_of(database.DATABASE, "trial") as name:
        assert str(os.getpid()) in name
        assert connections["default"].settings_dict["NAME"] == name
        assert name in database.COPIES.names()

    assert name not in database.COPIES.names()
    assert connections["default"].settings_dict["NAME"] == database.DATABASE


def test_what_a_dead_process_left_is_swept():
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    database.COPIES.create(f"chatsec_drill_{done.pid}_seed_1")
    database.COPIES.create(f"chatsec_drill_{os.getpid()}_seed_1")

    arena._sweep()

    left = {name for name in database.COPIES.names() if "chatsec_drill" in name}
    assert left == {f"chatsec_drill_{os.getpid()}_seed_1"}


def test_nothing_is_remembered_from_one_database_to_the_next():
    with arena.copy_of(database.DATABASE, "one"):
        cache.set("role", "admin")
    with arena.copy_of(database.DATABASE, "one"):
        assert cache.get("role") is None
