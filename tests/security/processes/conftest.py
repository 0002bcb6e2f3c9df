"""Three servers, a database that they share with the tests, and people in it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from tests import database
from tests.security.processes import servers as processes
from tests.security.processes.people import People
from tests.security.processes.servers import HOST, Servers, Valkey

FLAWS = (
    "no_row_locks,sessions_kept,sessions_revived,signatures_ignored,no_work_for_nobody"
)


@pytest.fixture(scope="package")
def town(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """The shared database and the cache of the servers; this process works in both."""
    directory = processes.workshop()
    valkey = Valkey(directory)
    with ExitStack() as stack:
        stack.callback(processes.clear, directory)
        stack.enter_context(django_db_blocker.unblock())
        stack.enter_context(
            override_settings(
                PASSWORD_HASHERS=["accounts.hashers.Argon2idHasher"],
                CHATSEC_PUBLIC_URL=f"https://{HOST}",
            )
        )
        name = stack.enter_context(database.shared_copy())
        with override_settings(
            STATIC_ROOT=directory / "static",
            STORAGES={
                "staticfiles": {
                    "BACKEND": "django.contrib.staticfiles.storage"
                    ".ManifestStaticFilesStorage"
                }
            },
        ):
            call_command("collectstatic", verbosity=0, interactive=False)
        stack.callback(valkey.kill)
        valkey.start()
        yield name, valkey, directory
        database.close_connections()


@pytest.fixture(scope="package")
def servers(town: Any) -> Iterator[Servers]:
    """Three processes of chatsec as it is."""
    yield from _served(town, flaws="")


@pytest.fixture(scope="package")
def flawed(town: Any) -> Iterator[Servers]:
    """Three processes with holes: each proof must see its own."""
    yield from _served(town, flaws=FLAWS)


def _served(town: Any, *, flaws: str) -> Iterator[Servers]:
    name, valkey, directory = town
    found = Servers(name, valkey, directory, flaws=flaws)
    try:
        found.wait()
        yield found
    finally:
        found.stop()


@pytest.fixture
def valkey(town: Any) -> Valkey:
    """Return the servers' cache; it runs again after the test."""
    found: Valkey = town[1]
    return found


@pytest.fixture(scope="package")
def people(town: Any) -> People:
    """Return a maker of people who can sign in to the servers."""
    return People()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers wrote beside a test that failed."""
    report = yield
    if report.failed:
        for group in item.funcargs.values():
            if isinstance(group, Servers):
                report.sections += group.last_words()
    return report
